"""Every rollout of a GRPO run as a row of the store, and the metrics of each step's rollouts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from data.store import ask
from evals.rollouts import has_signal
from pipeline.train.metrics import StoreMetrics
from pipeline.train.rewards import Reward, Rollout

FLUSH_STEPS = 10  # steps whose rollouts are written to the store together


@dataclass(frozen=True)
class StepRollouts:
    """The rollouts of one step: `group` of each problem, one after another.

    problem_ids: [rollouts]   rewards, advantages: [rollouts]  float
    resampled: number of groups that were sampled again
    """

    step: int
    problem_ids: Sequence[str]
    rollouts: Sequence[Rollout]
    rewards: np.ndarray
    advantages: np.ndarray
    resampled: int


class RolloutLog:
    """Adds the rollouts of the run of `metrics` to its store. parts: of the reward, in order"""

    def __init__(self, metrics: StoreMetrics, parts: Sequence[Reward], group: int) -> None:
        self.metrics, self.parts, self.group = metrics, parts, group
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
        return [
            {
                "run": self.metrics.run,
                "step": step.step,
                "group": position // self.group,
                "sample": position % self.group,
                "problem_id": step.problem_ids[position],
                "text": rollout.completion.text,
                "tokens": len(rollout.completion.ids),
                "finish": rollout.completion.finish,
                "rewards": [
                    {"name": part.name, "value": value, "weight": part.weight}
                    for part, value in zip(self.parts, rollout.parts, strict=True)
                ],
                "reward": float(step.rewards[position]),
                "advantage": float(step.advantages[position]),
            }
            for position, rollout in enumerate(step.rollouts)
        ]

    def _record_parts(self, step: StepRollouts) -> None:
        """The mean of each part of the reward times its weight; undecided rollouts are left out."""
        for part, values in zip(
            self.parts, zip(*(r.parts for r in step.rollouts), strict=True), strict=True
        ):
            decided = [value for value in values if value == value]  # not nan
            if decided:
                mean = float(np.mean(decided))
                self.metrics.note(step.step, f"reward/{part.name}", part.weight * mean)

    def _record_signs(self, step: StepRollouts) -> None:
        """The metrics that guards watch for signs of collapse."""
        completions = [rollout.completion for rollout in step.rollouts]
        scores = [rollout.score for rollout in step.rollouts]
        no_signal = ~has_signal(step.rewards.reshape(-1, self.group))
        for name, values in {
            "rollout/reward": step.rewards,
            "rollout/tokens": [len(c.ids) for c in completions],
            "rollout/truncated": [c.finish == "length" for c in completions],
            "rollout/empty": [not c.text.strip() for c in completions],
            "rollout/zero_variance_groups": no_signal,
            "rollout/resampled_groups": [step.resampled / len(no_signal)],
            "rollout/format": [score.format for score in scores],
            "rollout/answer": [s.correct for s in scores if s.correct is not None] or [np.nan],
        }.items():
            self.metrics.note(step.step, name, float(np.mean(values)))
