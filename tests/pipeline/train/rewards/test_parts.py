"""Rewards: what is right is what the evaluation calls right."""

import math

import numpy as np
import pytest

from evals.graders.rules import GRADERS
from pipeline.config import BadConfig, GrpoConfig
from pipeline.generate import Completion
from pipeline.train.rewards import (
    answer,
    approximate_format,
    closeness,
    exact_format,
    parts as rewards,
)
from pipeline.train.rewards.parts import (
    GRADER,
    OverlongPenalty,
    Reward,
    judge,
    judge_rollout,
    rewards_of,
    total_reward,
)

RIGHT = "<reasoning>3 + 4 = 7</reasoning>\n<answer>7</answer>"
WRONG = "<reasoning>3 + 4 = 8</reasoning>\n<answer>8</answer>"
CLOSE = "<reasoning>about</reasoning>\n<answer>98</answer>"
BARE = "The answer is 7"


def parts(text: str, gold: str) -> dict[str, float]:
    score = judge(text, gold)
    return {part.name: part.of(text, gold, score, len(text)) for part in rewards_of(GrpoConfig())}


def total(text: str, gold: str) -> float:
    return sum(part.weight * parts(text, gold)[part.name] for part in rewards_of(GrpoConfig()))


@pytest.mark.parametrize("text", [RIGHT, WRONG, CLOSE, BARE, "", "<answer>7</answer>" * 2])
def test_the_answer_reward_is_the_graders_verdict(text):
    assert parts(text, "7")["answer"] == float(GRADERS[GRADER].grade(text, "7").correct is True)
    assert parts(text, "7")["exact_format"] == float(
        GRADERS[GRADER].grade(text, "7").format is True
    )


def test_right_beats_every_wrong_text_however_well_formed():
    assert total(RIGHT, "7") > 2 * total(WRONG, "7")
    assert total(WRONG, "7") > total("", "7")


def test_near_is_worth_half_of_right():
    assert parts(CLOSE, "100")["closeness"] == 0.5
    assert parts(CLOSE, "98")["closeness"] == 1.0
    assert parts(CLOSE, "10")["closeness"] == 0.0


def test_tags_are_counted_once_each():
    assert parts(RIGHT, "7")["approximate_format"] == 1.0
    assert parts(RIGHT + RIGHT, "7")["approximate_format"] == 0.0
    assert parts("<reasoning>x</reasoning>", "7")["approximate_format"] == 0.5


def test_an_undecidable_answer_earns_nothing_and_spoils_no_sum():
    assert math.isnan(parts(RIGHT, "")["answer"])


def test_a_completion_is_judged_once_for_all_parts(monkeypatch):
    calls = []

    def counted(text: str, gold: str):
        calls.append((text, gold))
        return judge(text, gold)

    monkeypatch.setattr(rewards, "judge", counted)
    completion = Completion(RIGHT, np.zeros(3, np.int32), "stop")
    rollout = judge_rollout(completion, "7", rewards_of(GrpoConfig()))
    assert calls == [(RIGHT, "7")]
    assert rollout.parts == [1.0, 1.0, 1.0, 1.0]
    assert rollout.score == judge(RIGHT, "7")


def test_the_reward_is_the_weighted_sum_of_the_parts_without_nan():
    pair = [Reward("a", 4.0, answer), Reward("b", 0.5, answer)]
    rows = np.array([[1.0, 0.5], [math.nan, 1.0], [math.nan, math.nan]])
    assert total_reward(rows, pair).tolist() == [4.25, 0.5, 0.0]


def test_weights_that_pay_for_format_over_answers_are_refused():
    with pytest.raises(BadConfig, match="must be larger than all other rewards"):
        GrpoConfig(reward_answer=1.0, reward_format=2.0)


@pytest.mark.parametrize(
    ("tokens", "value"),
    [(0, 0.0), (60, 0.0), (61, -0.025), (80, -0.5), (99, -0.975), (100, -1.0), (120, -1.0)],
)
def test_the_penalty_for_length_is_that_of_dapo(tokens, value):
    penalty = OverlongPenalty(weight=0.5, longest=100, rising=40)
    paper = 0.0 if tokens <= 60 else (60 - tokens) / 40 if tokens <= 100 else -1.0
    assert penalty.of("", "7", judge("", "7"), tokens) == pytest.approx(value) == paper


def test_only_a_run_that_asks_for_it_is_punished_for_length():
    names = [part.name for part in rewards_of(GrpoConfig())]
    punished = rewards_of(GrpoConfig(reward_overlong=0.5, overlong_tokens=128))
    assert [part.name for part in punished] == [*names, "overlong"]


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"reward_overlong": 0.5}, "overlong_tokens must be from 1 to max_tokens"),
        ({"overlong_tokens": 5}, "else 0: got 5 with reward_overlong 0"),
        ({"reward_overlong": 0.5, "overlong_tokens": 769}, "from 1 to max_tokens"),
        ({"reward_overlong": 3.0, "overlong_tokens": 9}, "larger than all other rewards together"),
        ({"average": 1}, "average must be 0 or at least 2"),
        ({"updates": 0}, "updates must be at least 1"),
        ({"curriculum": -1.0}, "curriculum must be at least 0"),
    ],
)
def test_knobs_of_the_signal_that_make_no_sense_are_refused(knobs, message):
    with pytest.raises(BadConfig, match=message):
        GrpoConfig(**knobs)


def test_a_file_of_rewards_may_import_the_projects_own_from_the_folder():
    own = [part.value for part in rewards_of(GrpoConfig()) if isinstance(part, Reward)]
    assert own == [exact_format, approximate_format, answer, closeness]
