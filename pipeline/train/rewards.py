"""Rewards of GRPO. Each scores one completion between 0 and 1; weights are knobs.

What is right is decided by the grader that the evaluation reports: the same function.

A reward is a function(text, gold, score) -> float: the completion, the gold answer of its problem,
and the grader's verdict on the two (evals/graders/rules.py, `Score`). It may return nan, which
leaves it out of the sum, only where the verdict is unknown. A file of rewards keeps the same
contract (pipeline/train/reward_file.py).
"""

from collections.abc import Callable
from dataclasses import dataclass

from data.response_format import ANSWER_CLOSE, ANSWER_OPEN, REASONING_CLOSE, REASONING_OPEN
from evals.graders import GRADERS, Score
from evals.rollouts import GRADER as GRADER
from pipeline.config import GrpoConfig

TAGS = (REASONING_OPEN, REASONING_CLOSE, ANSWER_OPEN, ANSWER_CLOSE)


@dataclass(frozen=True)
class Reward:
    """A part of the reward: its name, its weight, and its value by the contract above."""

    name: str
    weight: float
    value: Callable[[str, str, Score], float]


def exact_format(text: str, gold: str, score: Score) -> float:
    return float(score.format)


def approximate_format(text: str, gold: str, score: Score) -> float:
    """Share of the four tags that occur exactly once."""
    return sum(text.count(tag) == 1 for tag in TAGS) / len(TAGS)


def answer(text: str, gold: str, score: Score) -> float:
    """1 for the gold answer. An undecidable one is nan, which Tunix leaves out of the sum."""
    return float("nan") if score.correct is None else float(score.correct)


def closeness(text: str, gold: str, score: Score) -> float:
    """1 for the gold answer, a half within 10 % of it."""
    if score.correct is None or score.partial is None:
        return float("nan")
    return 1.0 if score.correct else 0.5 * score.partial


def rewards_of(config: GrpoConfig) -> list[Reward]:
    """The parts of the reward with the weights that `config` gives them."""
    return [
        Reward("exact_format", config.reward_format, exact_format),
        Reward("approximate_format", config.reward_approximate_format, approximate_format),
        Reward("answer", config.reward_answer, answer),
        Reward("closeness", config.reward_closeness, closeness),
    ]


def judged(text: str, gold: str) -> Score:
    """The verdict that both the reward and the evaluation use."""
    return GRADERS[GRADER].grade(text, gold)


def as_tunix(reward: Reward) -> Callable[..., list[float]]:
    """`reward` as Tunix calls it: with lists, every column of the batch, and a name."""

    def weighted(prompts, completions, gold, **columns) -> list[float]:
        return [
            reward.weight * reward.value(text, str(right), judged(text, str(right)))
            for text, right in zip(completions, gold, strict=True)
        ]

    weighted.__name__ = reward.name
    return weighted
