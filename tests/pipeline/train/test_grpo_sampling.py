"""The rollouts of GRPO: seeds, stop tokens, one score each, groups that are sampled again."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from data.store.store import ask, open_store
from evals.graders import Score
from evals.judge.stored import add_rubric
from evals.rollouts.learnability import problems
from pipeline.batches.curriculum import ProblemChoice
from pipeline.batches.examples import Prompt
from pipeline.config import GrpoConfig
from pipeline.evaluate.judge import judge_of_groups
from pipeline.generate import Sampling
from pipeline.model import gemma3
from pipeline.model.tokenizer import Tokenizer, prompt_text
from pipeline.train import grpo
from pipeline.train.metrics import StoreMetrics, TrainingRun
from pipeline.train.rewards import parts as rewards
from pipeline.train.rewards.parts import Rollout
from tests.support.judge import judging, rubric
from tests.support.served import serving

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


def problems_of(prompts, gold="7") -> list[Prompt]:
    return [Prompt(f"p{number}", prompt, gold) for number, prompt in enumerate(prompts)]


def sampled(training, prompts, moment):
    return training.sampler.sample(problems_of(prompts), range(len(prompts)), 0, moment)


def rollouts_of(groups) -> list[Rollout]:
    return [rollout for group in groups for rollout in group.rollouts]


def texts(groups) -> list[str]:
    return [rollout.completion.text for rollout in rollouts_of(groups)]


def batch_of(problems) -> dict[str, np.ndarray]:
    """Columns as Tunix gives them: each problem as often as its group has completions."""
    rows = [problem for problem in problems for _ in range(CONFIG.group)]
    return {
        "problem_id": np.array([row.problem_id for row in rows]),
        "prompts": np.array([row.prompt for row in rows]),
        "gold": np.array([row.gold for row in rows]),
    }


def test_each_step_samples_anew(training, prompts):
    assert texts(sampled(training, prompts, "0 ")) != texts(sampled(training, prompts, "1 "))


def test_a_step_that_is_repeated_samples_the_same(training, prompts):
    first = texts(sampled(training, prompts, "1 "))
    assert texts(sampled(training, prompts[::-1], "1 ")) == first[2:] + first[:2]
    assert (
        texts(sampled(training, prompts * 2, "1 "))[4:] != first
    )  # of a problem that stands twice
    assert texts(sampled(training, prompts, "1 ")) == first


def test_completions_hold_the_stop_token_so_that_stopping_is_trained(training, prompts, tokenizer):
    rollouts = rollouts_of(sampled(training, prompts * 4, "0 "))
    stops = set(tokenizer.stop_ids())
    stopped = [rollout.completion.finish == "stop" for rollout in rollouts]
    assert [int(rollout.completion.ids[-1]) in stops for rollout in rollouts] == stopped
    assert any(stopped)


def test_prompts_are_padded_on_the_left_and_completions_on_the_right(training, prompts, tokenizer):
    groups = sampled(training, prompts, "0 ")
    rollouts = rollouts_of(groups)
    example = training.example(groups, np.zeros(4))
    assert example.prompt_ids.shape == (4, CONFIG.max_prompt_tokens)
    assert example.completion_ids.shape == (4, CONFIG.max_tokens)
    pad = tokenizer.pad_id()
    for row, prompt in enumerate(np.repeat(prompts, CONFIG.group)):
        ids = tokenizer.encode(prompt)
        padding = CONFIG.max_prompt_tokens - len(ids)
        assert np.asarray(example.prompt_ids)[row].tolist() == [pad] * padding + ids
        written = rollouts[row].completion.ids.tolist()
        padding = CONFIG.max_tokens - len(written)
        assert np.asarray(example.completion_ids)[row].tolist() == written + [pad] * padding
        assert np.asarray(example.completion_mask)[row].sum() == len(written)


@pytest.fixture
def graded(monkeypatch):
    """Let each text be graded by its gold: right, wrong, unknown, or mixed for one in two."""
    judged: list[str] = []
    verdicts = {"right": [True], "wrong": [False], "unknown": [None], "mixed": [True, False],
                "doubted": [True, None]}  # fmt: skip

    def judge(text: str, gold: str) -> Score:
        judged.append(text)
        kind = gold.partition(" ")[0]
        correct = verdicts[kind][len(judged) % len(verdicts[kind])]
        return Score(format=True, extracted=None, correct=correct, partial=None)

    monkeypatch.setattr(rewards, "judge", judge)
    return judged


def step_of(training, monkeypatch, problems, others, **knobs):
    """Every rollout of the first step."""
    config = replace(CONFIG, **knobs)
    choice = ProblemChoice([*problems, *others], config.seed, config.curriculum)
    monkeypatch.setattr(training.sampler, "config", config)
    monkeypatch.setattr(training.sampler, "choice", choice)
    training.before_update(batch_of(problems))
    training.flush()
    return ask(
        training.run.metrics.store,
        'select * from sampled_rollouts order by "group", attempt, sample',
    )


@pytest.fixture
def fresh(start, tokenizer, tmp_path):
    metrics = StoreMetrics(open_store(tmp_path / "store"), "grpo-test")
    heldout = grpo.Heldout(lambda generate: 0.0, 1, Sampling(), 1, lambda step, answer: None)
    run = TrainingRun(tmp_path, metrics, lambda *shown: None)
    return grpo.GrpoTraining(start, [], tokenizer, CONFIG, heldout, run)


def test_groups_without_mixed_answers_are_replaced_by_other_problems_and_every_try_is_stored(
    fresh, prompts, graded, monkeypatch
):
    batch = [Prompt("mixed", prompts[0], "mixed"), Prompt("right", prompts[1], "right")]
    others = [Prompt("wrong", prompts[0], "wrong"), Prompt("doubted", prompts[1], "doubted")]
    rows = step_of(fresh, monkeypatch, batch, others)
    assert len(graded) == rows.height == 8  # each completion is judged once
    tries = rows.select("group", "attempt", "problem_id", "discarded").unique(maintain_order=True)
    at_0, at_1 = (tries.filter(group=number).drop("group").rows() for number in (0, 1))
    assert at_0 == [(0, "mixed", False)]
    assert at_1[0] == (0, "right", True)
    assert [discarded for *_, discarded in at_1] == [True, True, False]
    assert {problem_id for _, problem_id, _ in at_1} == {"right", "wrong", "doubted"}
    discarded, trained = rows.filter("discarded"), rows.filter(~pl.col("discarded"))
    assert discarded["advantage"].null_count() == discarded.height
    assert trained["advantage"].null_count() == 0
    assert rows["reward"].null_count() == 0
    series = fresh.run.metrics.series
    assert series["rollout/resampled_groups"] == [(1, 0.5)]
    assert series["rollout/mixed_groups"] == [(1, 0.5)]
    assert series["rollout/mixed_first_tries"] == [(1, 0.5)]
    assert series["rollout/answer"] == [(1, 0.75)]  # of the first tries, as the policy answers


def test_what_is_trained_on_is_what_the_view_of_rollouts_shows(fresh, prompts, graded, monkeypatch):
    batch = [Prompt("a", prompts[0], "mixed"), Prompt("b", prompts[1], "wrong")]
    step_of(fresh, monkeypatch, batch, [Prompt("c", prompts[0], "mixed")])
    rows = ask(fresh.run.metrics.store, 'select problem_id from rollouts order by "group"')
    assert rows["problem_id"].to_list() == ["a", "a", "c", "c"]
    rates = problems(fresh.run.metrics.store, "grpo-test").select("problem_id", "pass_rate")
    assert dict(rates.rows()) == {"a": 0.5, "b": 0.0, "c": 0.5}  # b was answered, too


def test_where_no_other_problem_is_left_the_group_stays(fresh, prompts, graded, monkeypatch):
    batch = [Prompt("a", prompts[0], "wrong"), Prompt("b", prompts[1], "right")]
    rows = step_of(fresh, monkeypatch, batch, [])
    assert rows["problem_id"].to_list() == ["a", "a", "b", "b"]
    assert rows["discarded"].to_list() == [False] * 4


def test_no_group_is_sampled_again_unless_asked_for(fresh, prompts, graded, monkeypatch):
    batch = [Prompt("a", prompts[0], "wrong"), Prompt("b", prompts[1], "right")]
    others = [Prompt("c", prompts[0], "mixed")]
    rows = step_of(fresh, monkeypatch, batch, others, resample=0)
    assert set(rows["problem_id"]) == {"a", "b"}
    assert fresh.run.metrics.series["rollout/resampled_groups"] == [(1, 0.0)]


def test_a_judge_adds_its_part_to_every_rollout_of_a_group(training, prompts, monkeypatch):
    """The server is real, and prefers long texts; its replies are stored with the run's store."""
    config = replace(CONFIG, judge="judge:check", reward_judge=0.5)
    parts, store = rewards.rewards_of(config), training.run.metrics.store
    with serving(judging(lambda text: "correct" if len(text) > 20 else "incorrect")) as server:
        add_rubric(store, rubric(server.url), "ann")
        monkeypatch.setattr(training.sampler, "rewards", parts)
        monkeypatch.setattr(training.sampler, "judge", judge_of_groups(store, "judge:check"))
        groups = sampled(training, prompts, "judged")
    for rollout in rollouts_of(groups):
        assert rollout.parts[-1] == float(len(rollout.completion.text) > 20)
    by_hand = [
        sum(part.weight * value for part, value in zip(parts, rollout.parts, strict=True))
        for rollout in groups[0].rollouts
    ]
    assert rewards.rewards_of_group(groups[0], parts).tolist() == pytest.approx(by_hand)
    assert ask(store, "select count(*) as n from judge_replies")["n"].item() == len(server.bodies)
