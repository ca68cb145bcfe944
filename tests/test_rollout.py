"""Generating completions, and the traps of the sampler below."""

from typing import Any

import jax
import numpy as np
import pytest
from tunix.rl.rollout.base_rollout import RolloutConfig

from pipeline import models, rollout
from pipeline.rollout import BadSampling, FreshRollout, Sampler, Sampling, generator
from pipeline.tokens import Tokenizer, prompt_text

ANY = RolloutConfig()
QUESTIONS = ["Mia has 3 pens and buys 4 more. How many pens has she now?", "What is 2 + 5?"]


@pytest.fixture(scope="module")
def tiny():
    return models.load("tiny")


@pytest.fixture(scope="module")
def tokenizer(tiny):
    return Tokenizer(tiny.folder)


@pytest.fixture(scope="module")
def prompts(tokenizer):
    return [prompt_text(tokenizer, question) for question in QUESTIONS]


def settings(**changes) -> Sampling:
    return Sampling(**{"max_prompt_tokens": 128, "max_tokens": 96} | changes)


@pytest.fixture(scope="module")
def greedy(tiny, tokenizer):
    return generator(tiny.model, tokenizer, settings(), batch=2)


def test_greedy_writes_words_and_not_the_first_token_of_the_vocabulary(greedy, prompts, tokenizer):
    for completion in greedy(prompts, 0):
        assert completion.text.strip()
        assert tokenizer.pad_id() not in completion.ids


def test_a_text_that_ends_by_itself_keeps_its_stop_token(greedy, prompts, tokenizer):
    ended = [completion for completion in greedy(prompts, 0) if completion.finish == "stop"]
    assert ended, "the tiny model ends its answers to easy questions"
    for completion in ended:
        assert completion.ids[-1] in tokenizer.stop_ids()
        assert not set(completion.ids[:-1]) & set(tokenizer.stop_ids())
        assert completion.text == tokenizer.decode(completion.ids[:-1])


def test_a_text_that_is_cut_off_says_so_and_has_no_stop_token(tiny, tokenizer, prompts):
    cut = generator(tiny.model, tokenizer, settings(max_tokens=3), batch=2)(prompts, 0)
    assert [completion.finish for completion in cut] == ["length", "length"]
    assert [len(completion.ids) for completion in cut] == [3, 3]


def test_both_of_gemmas_stop_tokens_stop(tokenizer):
    assert tokenizer.stop_ids() == [tokenizer.eos_id(), tokenizer.turn_end()]
    assert len(set(tokenizer.stop_ids())) == 2


def test_nothing_is_decoded_behind_the_end_of_a_turn(tiny, tokenizer, prompts):
    sampler = Sampler(tiny.model, tokenizer, settings())
    completions, _ = sampler.complete(prompts, jax.random.PRNGKey(0))
    assert {completion.ids[-1] for completion in completions} == {tokenizer.turn_end()}
    longest = max(len(completion.ids) for completion in completions)
    behind = np.asarray(sampler.buffer)[:, 128 + longest :]
    assert set(behind.ravel()) == {tokenizer.pad_id()}


def test_the_same_seed_gives_the_same_texts_and_another_seed_others(tiny, tokenizer, prompts):
    sampled = generator(tiny.model, tokenizer, settings(temperature=1.0), batch=2)
    first = [c.text for c in sampled(prompts, 1)]
    assert [c.text for c in sampled(prompts, 1)] == first
    assert [c.text for c in sampled(prompts, 2)] != first


def fresh(tiny, tokenizer, sampling) -> FreshRollout:
    # the engine takes its settings from `sampling` and reads nothing of Tunix's
    return FreshRollout(
        tiny.model, None, tiny.mesh, ANY, words=tokenizer, sampling=sampling, seed=0
    )


def test_grpo_samples_anew_at_each_call(tiny, tokenizer, prompts):
    engine = fresh(tiny, tokenizer, settings(temperature=1.0))
    first, second = engine.generate(prompts, ANY), engine.generate(prompts, ANY)
    assert first.text != second.text
    assert [c.text for c in engine.noted] == first.text + second.text


def test_rollout_tokens_hold_the_stop_token_so_that_stopping_is_trained(tiny, tokenizer, prompts):
    engine = fresh(tiny, tokenizer, settings())
    output = engine.generate(prompts, ANY)
    stops = set(tokenizer.stop_ids())
    assert [int(ids[-1]) in stops for ids in output.tokens] == [
        completion.finish == "stop" for completion in engine.noted
    ]


def test_a_short_last_batch_compiles_nothing_new(tiny, tokenizer, prompts, monkeypatch):
    made: list[Any] = []

    class Noted(Sampler):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            made.append(self)

    monkeypatch.setattr(rollout, "Sampler", Noted)
    generate = generator(tiny.model, tokenizer, settings(), batch=2)
    texts = [c.text for c in generate(prompts * 2 + prompts[:1], 0)]
    assert texts[0] == texts[2] == texts[4]
    assert [sampler._compiled_prefill_fn._cache_size() for sampler in made] == [1]


def test_a_prompt_over_the_limit_is_refused_before_the_sampler_sees_it(tiny, tokenizer, prompts):
    narrow = generator(tiny.model, tokenizer, settings(max_prompt_tokens=8), batch=2)
    with pytest.raises(BadSampling, match="the limit is 8"):
        narrow(prompts, 0)


def test_top_k_beyond_the_vocabulary_is_refused_with_its_size(tiny, tokenizer):
    with pytest.raises(BadSampling, match="top_k is 10000000"):
        generator(tiny.model, tokenizer, settings(temperature=1.0, top_k=10_000_000), batch=2)


def test_order_and_neighbours_do_not_change_a_greedy_text(greedy, prompts):
    forward = [c.text for c in greedy(prompts, 0)]
    assert [c.text for c in greedy(prompts[::-1], 0)] == forward[::-1]


def test_completions_are_32_bit_ids(greedy, prompts):
    assert {completion.ids.dtype for completion in greedy(prompts, 0)} == {np.dtype("int32")}
