"""The rollouts of GRPO: seeds, stop tokens, one score each, groups that are sampled again."""

from dataclasses import replace

import numpy as np
import pytest

from data.store.store import ask, open_store
from pipeline.config import GrpoConfig
from pipeline.generate import Sampling
from pipeline.model import gemma3
from pipeline.model.tokenizer import Tokenizer, prompt_text
from pipeline.train import grpo, rewards
from pipeline.train.metrics import StoreMetrics, TrainingRun
from pipeline.train.rewards import Reward

QUESTIONS = ["Mia has 3 pens and buys 4 more. How many pens has she now?", "What is 2 + 5?"]
CONFIG = GrpoConfig(
    prompts=2, group=2, max_prompt_tokens=128, max_tokens=64, temperature=1.0, steps=3,
    lora_rank=2, beta=0.0, resample=2,
)  # fmt: skip


@pytest.fixture(scope="module")
def start(cold):
    return gemma3.load(str(cold["merged"]))


@pytest.fixture(scope="module")
def tokenizer(start):
    return Tokenizer(start.folder)


@pytest.fixture(scope="module")
def prompts(tokenizer):
    return [prompt_text(tokenizer, question) for question in QUESTIONS]


@pytest.fixture(scope="module")
def training(start, tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sampling")
    metrics = StoreMetrics(open_store(folder / "store"), "grpo-test")
    heldout = grpo.Heldout(lambda generate: 0.0, 1, Sampling(), 1, lambda step, answer: None)
    run = TrainingRun(folder, metrics, lambda *shown: None)
    return grpo.GrpoTraining(start, [], tokenizer, CONFIG, heldout, run)


def sampled(training, prompts, moment):
    return training.sample([(prompt, "7") for prompt in prompts], range(len(prompts)), moment)


def texts(rollouts) -> list[str]:
    return [rollout.completion.text for rollout in rollouts]


def test_each_step_samples_anew(training, prompts):
    assert texts(sampled(training, prompts, "0 ")) != texts(sampled(training, prompts, "1 "))


def test_a_step_that_is_repeated_samples_the_same(training, prompts):
    first = texts(sampled(training, prompts * 2, "1 "))
    assert texts(sampled(training, (prompts * 2)[::-1], "1 "))[2:] != first[:2]
    assert texts(sampled(training, prompts * 2, "1 ")) == first


def test_completions_hold_the_stop_token_so_that_stopping_is_trained(training, prompts, tokenizer):
    rollouts = sampled(training, prompts * 4, "0 ")
    stops = set(tokenizer.stop_ids())
    stopped = [rollout.completion.finish == "stop" for rollout in rollouts]
    assert [int(rollout.completion.ids[-1]) in stops for rollout in rollouts] == stopped
    assert any(stopped)


def test_prompts_are_padded_on_the_left_and_completions_on_the_right(training, prompts, tokenizer):
    rollouts = sampled(training, prompts, "0 ")
    example = training.example({"prompts": prompts}, rollouts, np.zeros(2))
    assert example.prompt_ids.shape == (2, CONFIG.max_prompt_tokens)
    assert example.completion_ids.shape == (2, CONFIG.max_tokens)
    pad = tokenizer.pad_id()
    for row, prompt in enumerate(prompts):
        ids = tokenizer.encode(prompt)
        padding = CONFIG.max_prompt_tokens - len(ids)
        assert np.asarray(example.prompt_ids)[row].tolist() == [pad] * padding + ids
        written = rollouts[row].completion.ids.tolist()
        padding = CONFIG.max_tokens - len(written)
        assert np.asarray(example.completion_ids)[row].tolist() == written + [pad] * padding
        assert np.asarray(example.completion_mask)[row].sum() == len(written)


def test_only_groups_without_a_signal_are_sampled_again_and_each_text_is_judged_once(
    training, prompts, monkeypatch
):
    a, b = prompts
    order = [a, a, b, b]
    plain = texts(sampled(training, order, "0 "))
    rewarded: list[str] = []
    judged: list[str] = []

    def reward(text: str, gold: str, score: object) -> float:
        rewarded.append(text)
        return float(len(rewarded)) if gold == "a" else 0.0  # the rewards of b are always equal

    judge = rewards.judge

    def counted(text: str, gold: str):
        judged.append(text)
        return judge(text, gold)

    monkeypatch.setattr(rewards, "judge", counted)
    monkeypatch.setattr(training, "rewards", [Reward("test", 1.0, reward)])
    monkeypatch.setattr(training.log, "parts", [Reward("test", 1.0, reward)])
    columns = {"prompts": order, "gold": ["a", "a", "b", "b"], "problem_id": ["p", "p", "q", "q"]}
    training.before_update({name: np.array(values) for name, values in columns.items()})
    assert judged == rewarded
    assert rewarded[:4] == plain
    assert len(rewarded) == 8  # and the two of b twice more
    training.flush()
    stored = ask(training.run.metrics.store, 'select text from rollouts order by "group", sample')
    assert stored["text"].to_list() == [*plain[:2], *rewarded[6:]]
    assert len({tuple(part) for part in (plain[2:], rewarded[4:6], rewarded[6:])}) == 3
    assert training.run.metrics.series["rollout/resampled_groups"] == [(1, 0.5)]


def test_no_group_is_sampled_again_unless_asked_for(training, prompts, monkeypatch):
    monkeypatch.setattr(training, "config", replace(CONFIG, resample=0))
    monkeypatch.setattr(training, "rewards", [Reward("none", 1.0, lambda text, gold, score: 0.0)])
    monkeypatch.setattr(training.log, "parts", training.rewards)
    order = [prompts[0]] * 2 + [prompts[1]] * 2
    columns = {"prompts": order, "gold": ["7"] * 4, "problem_id": ["p", "p", "q", "q"]}
    training.before_update({name: np.array(values) for name, values in columns.items()})
    assert training.run.metrics.series["rollout/resampled_groups"][-1] == (1, 0.0)
