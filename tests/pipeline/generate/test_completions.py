"""Completions for evaluation: seeds, stop tokens, limits."""

import numpy as np
import pytest

from data.errors import UserError
from pipeline.generate import Sampling, completer, requests_for
from pipeline.model import gemma3
from pipeline.model.tokenizer import Tokenizer, prompt_text

QUESTIONS = ["Mia has 3 pens and buys 4 more. How many pens has she now?", "What is 2 + 5?"]


@pytest.fixture(scope="module")
def tiny():
    return gemma3.load("tiny")


@pytest.fixture(scope="module")
def tokenizer(tiny):
    return Tokenizer(tiny.folder)


@pytest.fixture(scope="module")
def prompts(tokenizer):
    return [prompt_text(tokenizer, question) for question in QUESTIONS]


def settings(**changes) -> Sampling:
    return Sampling(**{"max_prompt_tokens": 128, "max_tokens": 64} | changes)


@pytest.fixture(scope="module")
def greedy(tiny, tokenizer):
    return completer(tiny.model, tokenizer, settings(), slots=2)


@pytest.fixture(scope="module")
def sampled(tiny, tokenizer):
    return completer(tiny.model, tokenizer, settings(temperature=1.0), slots=2)


def test_greedy_writes_words_and_not_the_first_token_of_the_vocabulary(greedy, prompts, tokenizer):
    for completion in greedy(prompts, 0):
        assert completion.text.strip()
        assert tokenizer.pad_id() not in completion.ids


def test_both_of_gemmas_stop_tokens_stop(tokenizer):
    assert tokenizer.stop_ids() == [tokenizer.eos_id(), tokenizer.turn_end()]
    assert len(set(tokenizer.stop_ids())) == 2


def test_the_same_seed_gives_the_same_texts_and_another_seed_others(sampled, prompts):
    first = [c.text for c in sampled(prompts, 1)]
    assert [c.text for c in sampled(prompts, 1)] == first
    assert [c.text for c in sampled(prompts, 2)] != first


def test_samples_of_a_prompt_have_their_own_seeds_whatever_else_is_in_the_batch(prompts):
    a, b = prompts

    def seeds(order, moment="") -> list[tuple[str, int]]:
        return sorted((r.prompt, r.seed) for r in requests_for(order, settings(), 3, moment))

    assert len({seed for _, seed in seeds([a, a, b, b])}) == 4
    assert seeds([a, a, b, b]) == seeds([b, a, b, a])
    assert set(seeds([a, a])) < set(seeds([a, a, b]))
    assert not set(seeds([a, b])) & set(seeds([a, b], "5 "))


def test_a_prompt_over_the_limit_is_refused(tiny, tokenizer, prompts):
    narrow = completer(tiny.model, tokenizer, settings(max_prompt_tokens=8), slots=2)
    with pytest.raises(UserError, match="the limit is 8"):
        narrow(prompts, 0)


def test_top_k_beyond_the_vocabulary_is_refused_with_its_size(tiny, tokenizer):
    with pytest.raises(UserError, match="top_k is 10000000"):
        completer(tiny.model, tokenizer, settings(temperature=1.0, top_k=10_000_000), slots=2)


def test_order_and_batch_do_not_change_a_text(sampled, prompts):
    forward = [c.text for c in sampled(prompts, 0)]
    assert [c.text for c in sampled(prompts[::-1], 0)] == forward[::-1]


def test_completions_are_32_bit_ids(greedy, prompts):
    assert {completion.ids.dtype for completion in greedy(prompts, 0)} == {np.dtype("int32")}
