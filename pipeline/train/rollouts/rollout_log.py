"""Every rollout of a GRPO run as a row of the store, and the metrics of each step's rollouts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from data.store import ask
from evals.rollouts import has_signal
from pipeline.train import StoreMetrics
from pipeline.train.rewards import Group, JudgeReward, Part, rewards_of_group

FLUSH_STEPS = 10  # steps whose rollouts are written to the store together


@dataclass(frozen=True)
class StepRollouts:
    """The groups of one step, in the order of the batch.

    rewards, advantages: [rollouts of `groups`]  float
    discarded: tries that were sampled again, and not trained on
    """

    step: int
    groups: Sequence[Group]
    rewards: np.ndarray
    advantages: np.ndarray
    discarded: Sequence[Group] = ()

    @property
    def first_tries(self) -> list[Group]:
        """The groups as the policy answered the problems it was given, none chosen by its answers.

        Means over `groups` would be of those whose answers are mixed.
        """
        tries = [*self.groups, *self.discarded]
        return sorted((t for t in tries if t.attempt == 0), key=lambda group: group.position)


class RolloutLog:
    """Adds the rollouts of the run of `metrics` to its store. parts: of the reward, in order

    Means are of first tries: see `StepRollouts.first_tries`.
    """

    def __init__(self, metrics: StoreMetrics, parts: Sequence[Part], group: int) -> None:
        self.metrics, self.parts, self.group = metrics, parts, group
        self._samples = range(group)
        self._rows: list[dict] = []
        self._last_stored = 0

    def resume(self) -> None:
        """Continue an interrupted run, which repeats some steps: do not store these again."""
        query = "select max(step) as step from rollouts where run = $run"
        last = ask(self.metrics.store, query, run=self.metrics.run)["step"].item()
        self._last_stored = last or 0

    def record(self, step: StepRollouts) -> None:
        self._record_parts(step)
        self._record_signs(step)
        if step.step > self._last_stored:
            self._rows += self._rows_of(step)
        if step.step % FLUSH_STEPS == 0:
            self.flush()

    def flush(self) -> None:
        if self._rows:
            self.metrics.add_rows("rollouts", pl.DataFrame(self._rows))
            self._rows = []  # before anything else can fail: they are stored
            self.metrics.merge_parts()

    def _rows_of(self, step: StepRollouts) -> list[dict]:
        rows = [self._row(step.step, group, at) for group in step.groups for at in self._samples]
        for row, reward, advantage in zip(rows, step.rewards, step.advantages, strict=True):
            row |= {"reward": float(reward), "advantage": float(advantage), "discarded": False}
        return rows + [
            self._row(step.step, group, at) | {"reward": float(reward), "discarded": True}
            for group in step.discarded
            for at, reward in enumerate(rewards_of_group(group, self.parts))
        ]

    def _row(self, step: int, group: Group, sample: int) -> dict:
        rollout = group.rollouts[sample]
        return {
            "run": self.metrics.run,
            "step": step,
            "group": group.position,
            "attempt": group.attempt,
            "sample": sample,
            "problem_id": group.problem.problem_id,
            "text": rollout.completion.text,
            "tokens": len(rollout.completion.ids),
            "finish": rollout.completion.finish,
            "rewards": [
                {"name": part.name, "value": value, "weight": part.weight}
                for part, value in zip(self.parts, rollout.parts, strict=True)
            ],
            "reward": None,
            "advantage": None,
        }

    def _record_parts(self, step: StepRollouts) -> None:
        """The mean of each part of the reward times its weight; undecided rollouts are left out."""
        rollouts = [rollout for group in step.first_tries for rollout in group.rollouts]
        for part, values in zip(
            self.parts, zip(*(r.parts for r in rollouts), strict=True), strict=True
        ):
            decided = [value for value in values if value == value]  # not nan
            if isinstance(part, JudgeReward):
                unknown = 1 - len(decided) / len(values)
                self.metrics.note(step.step, "reward/judge_unknown", unknown)
            if decided:
                mean = float(np.mean(decided))
                self.metrics.note(step.step, f"reward/{part.name}", part.weight * mean)

    def _record_signs(self, step: StepRollouts) -> None:
        """The metrics that guards watch for signs of collapse."""
        rollouts = [rollout for group in step.first_tries for rollout in group.rollouts]
        completions = [rollout.completion for rollout in rollouts]
        scores = [rollout.score for rollout in rollouts]
        rewards = np.stack([rewards_of_group(group, self.parts) for group in step.first_tries])
        replaced = {group.position for group in step.discarded}
        for name, values in {
            "rollout/reward": rewards,
            "rollout/tokens": [len(c.ids) for c in completions],
            "rollout/truncated": [c.finish == "length" for c in completions],
            "rollout/empty": [not c.text.strip() for c in completions],
            "rollout/zero_variance_groups": ~has_signal(rewards),
            "rollout/mixed_groups": [group.has_mixed_answers() for group in step.groups],
            "rollout/mixed_first_tries": [g.has_mixed_answers() for g in step.first_tries],
            "rollout/resampled_groups": [len(replaced) / len(step.groups)],
            "rollout/format": [score.format for score in scores],
            "rollout/answer": [s.correct for s in scores if s.correct is not None] or [np.nan],
        }.items():
            self.metrics.note(step.step, name, float(np.mean(values)))
