"""What stands between Tunix's trainers and ours: the rollout of GRPO."""

import numpy as np
import pytest
from tunix.rl.rollout.base_rollout import RolloutConfig

from pipeline.generate import Sampling
from pipeline.model import gemma3
from pipeline.model.tokenizer import Tokenizer, prompt_text
from pipeline.train.tunix import FreshRollout, Resampling

ANY = RolloutConfig()
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


def fresh(tiny, tokenizer, **changes) -> FreshRollout:
    # the engine takes its settings from `sampling` and reads nothing of Tunix's
    return FreshRollout(
        tiny.model, None, tiny.mesh, ANY, words=tokenizer, slots=2, seed=0,
        sampling=settings(temperature=1.0, **changes),
    )  # fmt: skip


def test_grpo_samples_anew_at_each_call(tiny, tokenizer, prompts):
    rollout = fresh(tiny, tokenizer)
    first, second = rollout.generate(prompts, ANY), rollout.generate(prompts, ANY)
    assert first.text != second.text
    assert [c.text for c in rollout.noted] == first.text + second.text


def test_a_call_that_is_made_again_samples_the_same(tiny, tokenizer, prompts):
    rollout, later = fresh(tiny, tokenizer), fresh(tiny, tokenizer)
    rollout.generate(prompts, ANY)
    second = rollout.generate(prompts * 2, ANY)
    later.calls = 1
    assert later.generate((prompts * 2)[::-1], ANY).text[2:] != second.text[:2]
    later.calls = 1
    assert later.generate(prompts * 2, ANY).text == second.text


def test_rollout_tokens_hold_the_stop_token_so_that_stopping_is_trained(tiny, tokenizer, prompts):
    rollout = fresh(tiny, tokenizer)
    output = rollout.generate(prompts * 4, ANY)
    stops = set(tokenizer.stop_ids())
    ended = [completion.finish == "stop" for completion in rollout.noted]
    assert [int(ids[-1]) in stops for ids in output.tokens] == ended
    assert any(ended)


def test_prompts_are_padded_on_the_left_for_the_loss(tiny, tokenizer, prompts):
    padded = fresh(tiny, tokenizer).generate(prompts, ANY).left_padded_prompt_tokens
    assert padded.shape == (2, 128)
    for row, prompt in zip(np.asarray(padded).tolist(), prompts, strict=True):
        ids = tokenizer.encode(prompt)
        assert row == [tokenizer.pad_id()] * (128 - len(ids)) + ids


def test_only_groups_without_a_signal_are_sampled_again(tiny, tokenizer, prompts):
    a, b = prompts
    asked = [a, a, b, b]
    plain = fresh(tiny, tokenizer).generate(asked, ANY).text
    rollout = fresh(tiny, tokenizer)
    seen: list[str] = []

    def reward(prompt: str, text: str) -> float:
        seen.append(text)
        return float(len(seen)) if prompt == a else 0.0  # b never says anything

    rollout.resampling = Resampling(2, 2, reward)
    again = rollout.generate(asked, ANY).text
    assert again[:2] == plain[:2]
    assert seen[:4] == plain
    assert [seen[4:6], seen[6:8] == again[2:]] == [plain[:2], False]
    assert rollout.resampled == 1
    assert len({tuple(texts) for texts in (plain[2:], seen[6:8], again[2:])}) == 3
