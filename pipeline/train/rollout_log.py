"""Every rollout of a GRPO run as a row of the store, with its rewards and advantage."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from data.store import Store, add, ask
from evals.graders import Score
from evals.rollouts import has_signal
from pipeline.train.metrics import StoreMetrics
from pipeline.train.rewards import Reward, judged
from pipeline.train.tunix import FreshRollout

FLUSH_STEPS = 10  # a part of rollouts is written after so many steps


@dataclass
class Recorder:
    """Notes every rollout with its rewards and advantage; called by Tunix once per step."""

    store: Store
    run: str
    rewards: list[Reward]
    group: int
    metrics: StoreMetrics
    rollout: FreshRollout
    step: int = 1  # whose update these rollouts are for
    stored: int = 0  # the last step whose rollouts the store has: a run that goes on repeats some
    rows: list[dict] = field(default_factory=list)

    def __call__(self, prompts, completions, advantages, rewards, problem_id, gold, **columns):
        noted, self.rollout.noted = self.rollout.noted, []
        assert [c.text for c in noted] == list(completions), "rollouts and rewards are out of step"
        scores = [judged(c.text, str(right)) for c, right in zip(noted, gold, strict=True)]
        for place, (completion, score) in enumerate(zip(noted, scores, strict=True)):
            self.rows.append(
                {
                    "run": self.run,
                    "step": self.step,
                    "group": place // self.group,
                    "sample": place % self.group,
                    "problem_id": str(problem_id[place]),
                    "text": completion.text,
                    "tokens": len(completion.ids),
                    "finish": completion.finish,
                    "rewards": [
                        {
                            "name": reward.name,
                            "value": reward.value(completion.text, str(gold[place]), score),
                            "weight": reward.weight,
                        }
                        for reward in self.rewards
                    ],
                    "reward": float(rewards[place]),
                    "advantage": float(advantages[place]),
                }
            )
        self._note_parts(self.rows[-len(noted) :])
        self._note_what_guards_watch(noted, scores, np.asarray(rewards))
        if self.step <= self.stored:
            self.rows = []
        if self.step % FLUSH_STEPS == 0:
            self.flush()
        self.step += 1
        return {}

    def _note_parts(self, rows: list[dict]) -> None:
        """The mean of each part of the reward, by its weight; what is unknown counts in none."""
        for place, reward in enumerate(self.rewards):
            values = [row["rewards"][place]["value"] for row in rows]
            known = [value for value in values if value == value]
            if known:
                mean = float(np.mean(known))
                self.metrics.note(self.step, f"reward/{reward.name}", reward.weight * mean)

    def _note_what_guards_watch(self, noted, scores: list[Score], rewards: np.ndarray) -> None:
        silent = ~has_signal(rewards.reshape(-1, self.group))
        for name, values in {
            "rollout/reward": rewards,
            "rollout/tokens": [len(c.ids) for c in noted],
            "rollout/truncated": [c.finish == "length" for c in noted],
            "rollout/empty": [not c.text.strip() for c in noted],
            "rollout/zero_variance_groups": silent,
            "rollout/resampled_groups": [self.rollout.resampled / len(silent)],
            "rollout/format": [score.format for score in scores],
            "rollout/answer": [s.correct for s in scores if s.correct is not None] or [np.nan],
        }.items():
            self.metrics.note(self.step, name, float(np.mean(values)))

    def go_on(self, done: int) -> None:
        """Go on after `done` steps."""
        found = ask(
            self.store, "select max(step) as step from rollouts where run = $run", run=self.run
        )
        self.stored = found["step"].item() or 0
        self.step = done + 1
        self.rollout.calls = done

    def flush(self) -> None:
        if self.rows:
            add(self.store, "rollouts", pl.DataFrame(self.rows), run=self.run)
            self.rows = []
