"""The reward of GRPO: a weighted sum of parts, each between 0 and 1; the weights are knobs.

Correctness is decided by the grader that the evaluation reports: the same function.

A part is a function(text, gold, score) -> float: the completion, the reference answer of its
problem, and the grader's score of the two (evals/graders/rules.py, `Score`). It may return nan,
which leaves it out of the sum, only where the score is undecided. A file of rewards keeps the same
contract (pipeline/train/reward_file.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from data.response_format import TAGS
from evals.graders import DEFAULT_GRADER as GRADER, GRADERS, Score
from pipeline.config import GrpoConfig
from pipeline.generate import Completion


@dataclass(frozen=True)
class Reward:
    """A part of the reward: its name, its weight, and its function by the contract above."""

    name: str
    weight: float
    value: Callable[[str, str, Score], float]


@dataclass(frozen=True)
class Rollout:
    """A completion that was judged once.

    parts: the value of each part of the reward, in order, before the weight
    """

    completion: Completion
    score: Score
    parts: list[float]


def exact_format(text: str, gold: str, score: Score) -> float:
    return float(score.format)


def approximate_format(text: str, gold: str, score: Score) -> float:
    """Share of the four tags that occur exactly once."""
    return sum(text.count(tag) == 1 for tag in TAGS) / len(TAGS)


def answer(text: str, gold: str, score: Score) -> float:
    """1 for a correct answer; nan where that is undecided, which leaves it out of the sum."""
    return float("nan") if score.correct is None else float(score.correct)


def closeness(text: str, gold: str, score: Score) -> float:
    """1 for a correct answer, a half for one within 10 % of the reference answer."""
    if score.correct is None or score.partial is None:
        return float("nan")
    return 1.0 if score.correct else 0.5 * score.partial


def rewards_of(config: GrpoConfig) -> list[Reward]:
    """The parts of the reward, with the weights of `config`."""
    return [
        Reward("exact_format", config.reward_format, exact_format),
        Reward("approximate_format", config.reward_approximate_format, approximate_format),
        Reward("answer", config.reward_answer, answer),
        Reward("closeness", config.reward_closeness, closeness),
    ]


def judge(text: str, gold: str) -> Score:
    """The score that both the reward and the evaluation use."""
    return GRADERS[GRADER].grade(text, gold)


def judge_rollout(completion: Completion, gold: str, rewards: Sequence[Reward]) -> Rollout:
    """Judge `completion`, and compute all parts of the reward from that one score."""
    score = judge(completion.text, gold)
    parts = [reward.value(completion.text, gold, score) for reward in rewards]
    return Rollout(completion, score, parts)


def total_reward(parts: np.ndarray, rewards: Sequence[Reward]) -> np.ndarray:
    """The weighted sum of the parts, those that are nan left out.

    parts:   [rollouts, rewards]  float
    returns: [rollouts]           float
    """
    return np.nansum(parts * np.array([reward.weight for reward in rewards]), axis=1)
