"""The reward of GRPO: a weighted sum of parts, each between -1 and 1; the weights are knobs.

Correctness is decided by the grader that the evaluation reports: the same function.

A part is a function(text, gold, score) -> float: the completion, the reference answer of its
problem, and the grader's score of the two (evals/graders/rules.py, `Score`). It may return nan,
which leaves it out of the sum, only where the score is undecided. A file of rewards keeps the same
contract (reward_file.py). A penalty of length is a function(tokens) -> float.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from data.response_format import TAGS
from evals.graders import DEFAULT_GRADER as GRADER, GRADERS, Score
from pipeline.batches import Prompt
from pipeline.config import GrpoConfig
from pipeline.generate import Completion


@dataclass(frozen=True)
class Reward:
    """A part of the reward: its name, its weight, and its function by the contract above."""

    name: str
    weight: float
    value: Callable[[str, str, Score], float]

    def of(self, text: str, gold: str, score: Score, tokens: int) -> float:
        """The value for a completion of this many tokens, before the weight."""
        return self.value(text, gold, score)


@dataclass(frozen=True)
class OverlongPenalty:
    """Soft overlong punishment (arXiv:2503.14476, equation 13): from 0 down to -1.

    longest: tokens at which a completion is cut off   rising: the last of them, which are punished
    """

    weight: float
    longest: int
    rising: int
    name: str = "overlong"

    def of(self, text: str, gold: str, score: Score, tokens: int) -> float:
        excess = tokens - (self.longest - self.rising)
        return -min(max(excess / self.rising, 0.0), 1.0)


@dataclass(frozen=True)
class JudgeReward:
    """The verdict of a judge, from 0 to 1. Whole groups are asked about at once (with_judge)."""

    weight: float
    name: str = "judge"

    def of(self, text: str, gold: str, score: Score, tokens: int) -> float:
        return float("nan")  # until the group is asked about


Part = Reward | OverlongPenalty | JudgeReward


@dataclass(frozen=True)
class Rollout:
    """A completion that was judged once.

    parts: the value of each part of the reward, in order, before the weight
    """

    completion: Completion
    score: Score
    parts: list[float]


@dataclass(frozen=True)
class Group:
    """The completions of one problem in one step.

    position: of the problem in the batch   attempt: which try at that position this is, from 0
    """

    problem: Prompt
    rollouts: list[Rollout]
    position: int
    attempt: int = 0

    def has_mixed_answers(self) -> bool:
        """Whether some answers are correct and others incorrect; unknown ones are neither.

        Only then do the advantages of a group tell correct reasoning from incorrect. Rewards of a
        group whose answers are all alike differ by format alone.
        """
        verdicts = {rollout.score.correct for rollout in self.rollouts}
        return {True, False} <= verdicts


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


def rewards_of(config: GrpoConfig) -> list[Part]:
    """The parts of the reward, with the weights of `config`; a penalty only where it has one."""
    penalty = OverlongPenalty(config.reward_overlong, config.max_tokens, config.overlong_tokens)
    return [
        Reward("exact_format", config.reward_format, exact_format),
        Reward("approximate_format", config.reward_approximate_format, approximate_format),
        Reward("answer", config.reward_answer, answer),
        Reward("closeness", config.reward_closeness, closeness),
        *([penalty] if config.reward_overlong else []),
        *([JudgeReward(config.reward_judge)] if config.judge else []),
    ]


def judge(text: str, gold: str) -> Score:
    """The score that both the reward and the evaluation use."""
    return GRADERS[GRADER].grade(text, gold)


def judge_rollout(completion: Completion, gold: str, rewards: Sequence[Part]) -> Rollout:
    """Judge `completion`, and compute all parts of the reward from that one score."""
    score = judge(completion.text, gold)
    tokens = len(completion.ids)
    parts = [reward.of(completion.text, gold, score, tokens) for reward in rewards]
    return Rollout(completion, score, parts)


def with_judge(
    groups: Sequence[Group], rewards: Sequence[Part], values: Sequence[Sequence[float]]
) -> list[Group]:
    """`groups` with the judge's part of the reward; `values` has one for each completion."""
    index = next(i for i, reward in enumerate(rewards) if isinstance(reward, JudgeReward))

    def judged(rollout: Rollout, value: float) -> Rollout:
        return replace(rollout, parts=[*rollout.parts[:index], value, *rollout.parts[index + 1 :]])

    return [
        replace(group, rollouts=[judged(*pair) for pair in zip(group.rollouts, of, strict=True)])
        for group, of in zip(groups, values, strict=True)
    ]


def total_reward(parts: np.ndarray, rewards: Sequence[Part]) -> np.ndarray:
    """The weighted sum of the parts, those that are nan left out.

    parts:   [rollouts, rewards]  float
    returns: [rollouts]           float
    """
    return np.nansum(parts * np.array([reward.weight for reward in rewards]), axis=1)


def rewards_of_group(group: Group, rewards: Sequence[Part]) -> np.ndarray:
    """[rollouts]: the reward of each completion of `group`."""
    return total_reward(np.array([rollout.parts for rollout in group.rollouts]), rewards)
