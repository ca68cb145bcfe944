"""Signs that GRPO is collapsing, looked for after each step in what the run has measured so far.

Reference recipes fall from 47 % to below 1 % right in a few hundred steps, and each of these signs
is seen before (docs/decisions/0003-grpo-that-holds.md). A sign is looked for in the mean of the
last WINDOW steps, so that one step's noise is none.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evals.statistics import wilson
from pipeline.train.metrics import StoreMetrics

WINDOW = 5  # steps
Series = Mapping[str, Sequence[tuple[int, float]]]  # name of a metric -> (step, value), by step

EMPTY = 0.02  # share of completions
SHORTER = 0.5  # of the longest mean length that was seen
KL = 10.0  # nats a token
ENTROPY = 0.2  # of the entropy at the start
ZERO_VARIANCE = 0.95  # share of groups; of a good model many are all right, which is no collapse
TRUNCATED = 0.5  # share of completions, and as much more than at the start by half


@dataclass(frozen=True)
class Sign:
    """One sign of collapse at one step: what was found, and the limit that it crossed."""

    name: str
    step: int
    found: float
    limit: float

    def __str__(self) -> str:
        return f"{self.name} at step {self.step}: {self.found:.3g}, the limit is {self.limit:.3g}"


def signs(series: Series, heldout: int) -> list[Sign]:
    """The signs that hold at the last step of `series`.

    heldout: problems behind each value of heldout/answer
    """
    last = max((points[-1][0] for points in series.values() if points), default=0)
    found = []
    for name, look in LOOKS.items():
        seen = look(series, heldout)
        if seen is not None:
            found.append(Sign(name, last, *seen))
    return found


class Collapsing(Exception):
    """Ends a run that a guard stopped; what was best is kept."""


class Guard:
    """Looks for signs after each step, and says what to do.

    action: stop, roll-back, warn or off. The third time that a run would be rolled back it stops.
    since: the step from which on is looked at   rolled_back: how often   stopped_at: or None
    """

    MOST_ROLLED_BACK = 2

    def __init__(
        self,
        action: str,
        heldout: int,
        metrics: StoreMetrics,
        *,
        since: int = 0,
        rolled_back: int = 0,
        stopped_at: int | None = None,
        signs: Sequence[str] = (),
        told: Sequence[str] = (),
    ) -> None:
        self.action, self.heldout, self.metrics = action, heldout, metrics
        self.since, self.rolled_back, self.stopped_at = since, rolled_back, stopped_at
        self.signs = list(signs)
        self._told = set(told)

    def place(self) -> dict[str, object]:
        """What a run that goes on gives to a new one."""
        return {
            "since": self.since,
            "rolled_back": self.rolled_back,
            "stopped_at": self.stopped_at,
            "signs": self.signs,
            "told": sorted(self._told),
        }

    def after(self, step: int) -> str | None:
        """What to do after `step`: stop, roll-back or nothing."""
        if self.action == "off":
            return None
        found = signs(self._watched(), self.heldout)
        for sign in found:
            self.metrics.note(step, f"guard/{sign.name}", sign.found)
            if sign.name not in self._told:
                self.signs.append(str(sign))
                self._told.add(sign.name)
        if not found or self.action == "warn":
            return None
        if self.action == "roll-back" and self.rolled_back < self.MOST_ROLLED_BACK:
            self.rolled_back, self.since = self.rolled_back + 1, step
            self._told.clear()
            return "roll-back"
        self.stopped_at = step
        return "stop"

    def _watched(self) -> Series:
        """The start, and what was measured since the run was last rolled back."""
        return {
            name: [point for point in points if point[0] > self.since or point[0] == 0]
            for name, points in self.metrics.series.items()
            if not name.startswith("guard/")
        }


Look = Callable[[Series, int], tuple[float, float] | None]  # found and limit, where crossed


def _values(series: Series, name: str) -> np.ndarray:
    return np.array([value for _, value in series.get(name, ())], dtype=float)


def _recent(values: np.ndarray) -> float:
    return float(values[-WINDOW:].mean())


def _accuracy(series: Series, heldout: int) -> tuple[float, float] | None:
    """Held-out accuracy whose interval lies below that of the start, measured twice in a row.

    Once is no sign: runs that learn dip while the learning rate is at its peak.
    """
    values = _values(series, "heldout/answer")
    if len(values) < 3:
        return None
    first, *last = (wilson(round(value * heldout), heldout) for value in values[[0, -2, -1]])
    if first.low is None or any(one.high is None or one.high >= first.low for one in last):
        return None
    return float(values[-1]), float(first.low)


def _above(metric: str, limit: float) -> Look:
    def look(series: Series, heldout: int) -> tuple[float, float] | None:
        values = _values(series, metric)
        if len(values) < WINDOW or _recent(values) <= limit:
            return None
        return _recent(values), limit

    return look


def _shorter(series: Series, heldout: int) -> tuple[float, float] | None:
    values = _values(series, "rollout/tokens")
    if len(values) < 2 * WINDOW:
        return None
    means = np.convolve(values, np.ones(WINDOW) / WINDOW, mode="valid")
    limit = SHORTER * float(means.max())
    return (float(means[-1]), limit) if means[-1] < limit else None


def _entropy(series: Series, heldout: int) -> tuple[float, float] | None:
    """Certain of everything while problems are left: harmless where the answers are right."""
    values, rewards = _values(series, "actor/train/entropy"), _values(series, "rollout/reward")
    if len(values) < 2 * WINDOW or len(rewards) < 2 * WINDOW:
        return None
    limit = ENTROPY * float(values[:WINDOW].mean())
    better = _recent(rewards) > float(rewards[:WINDOW].mean())
    return (_recent(values), limit) if _recent(values) < limit and not better else None


def _form_for_substance(series: Series, heldout: int) -> tuple[float, float] | None:
    """Format rises while the answers that it should hold are right less often."""
    form, right = _values(series, "rollout/format"), _values(series, "rollout/answer")
    if min(len(form), len(right)) < 4 * WINDOW:
        return None
    up = _recent(form) - float(form[:WINDOW].mean())
    down = float(right[:WINDOW].mean()) - _recent(right)
    limit = float(right[:WINDOW].mean()) * (1 - SHORTER)
    return (_recent(right), limit) if up > 0 and down > limit else None


def _truncated(series: Series, heldout: int) -> tuple[float, float] | None:
    values = _values(series, "rollout/truncated")
    if len(values) < 2 * WINDOW:
        return None
    limit = max(TRUNCATED, 1.5 * float(values[:WINDOW].mean()))
    return (_recent(values), limit) if _recent(values) > limit else None


def _zero_variance(series: Series, heldout: int) -> tuple[float, float] | None:
    """Groups without a signal that are not the solved ones."""
    values, right = (
        _values(series, "rollout/zero_variance_groups"),
        _values(series, "rollout/answer"),
    )
    if min(len(values), len(right)) < WINDOW or _recent(right) >= 1 - EMPTY:
        return None
    return (_recent(values), ZERO_VARIANCE) if _recent(values) > ZERO_VARIANCE else None


LOOKS: dict[str, Look] = {
    "held-out accuracy below the start": _accuracy,
    "empty completions": _above("rollout/empty", EMPTY),
    "completions half as long": _shorter,
    "KL": _above("actor/train/kl", KL),
    "entropy gone": _entropy,
    "format up, answers down": _form_for_substance,
    "groups without a signal": _zero_variance,
    "completions cut off": _truncated,
}
