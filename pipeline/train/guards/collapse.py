"""Signs of collapse in what a run has measured so far.

Reference recipes fall from 47 % to below 1 % correct within a few hundred steps, and each of these
signs is seen before (docs/decisions/0003-grpo-that-holds.md). Signs are looked for in the mean of
the last WINDOW steps, so that the noise of one step is not a sign.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evals.statistics import wilson

WINDOW = 5  # steps
Series = Mapping[str, Sequence[tuple[int, float]]]  # name of a metric -> (step, value), by step

EMPTY = 0.02  # share of completions
SHORTER = 2 / 3  # of the longest mean length so far, while rewards do not rise
KL = 10.0  # nats a token
ENTROPY = 0.2  # of the entropy at the start
ZERO_VARIANCE = 0.95  # share of groups; a good model has many that are all correct: not a collapse
TRUNCATED = 0.5  # share of completions
MISMATCH = 0.1  # nats a token, KL(sampler || trainer); 1e-4 to 1e-2 where both are right
LOST = 0.5  # of the share of correct answers at the start
LESS_LIKELY = -0.1  # nats a token: what the chosen answers of pairs lose beside the start
CERTAIN = 2.0  # standard errors by which rewards must be higher to have risen


@dataclass(frozen=True)
class Sign:
    """One sign of collapse at one step: the measured value, and the limit that it crossed."""

    name: str
    step: int
    value: float
    limit: float

    def __str__(self) -> str:
        return f"{self.name} at step {self.step}: {self.value:.3g}, the limit is {self.limit:.3g}"


def signs(series: Series, heldout: int) -> list[Sign]:
    """The signs at the last step of `series`.

    heldout: number of problems behind each value of heldout/answer
    """
    last = max((points[-1][0] for points in series.values() if points), default=0)
    crossed = {name: check(series, heldout) for name, check in CHECKS.items()}
    return [Sign(name, last, *values) for name, values in crossed.items() if values is not None]


# (series, held-out problems) -> value and limit, if the value crossed the limit
Check = Callable[[Series, int], tuple[float, float] | None]


def _values(series: Series, name: str) -> np.ndarray:
    return np.array([value for _, value in series.get(name, ())], dtype=float)


def _recent(values: np.ndarray) -> float:
    return float(values[-WINDOW:].mean())


def _accuracy(series: Series, heldout: int) -> tuple[float, float] | None:
    """Two evaluations in a row whose interval lies below that of the start.

    One is not a sign: runs that learn dip while the learning rate is at its peak.
    """
    values = _values(series, "heldout/answer")
    if len(values) < 3:
        return None
    first, *last = (wilson(round(value * heldout), heldout) for value in values[[0, -2, -1]])
    if first.low is None or any(each.high is None or each.high >= first.low for each in last):
        return None
    return float(values[-1]), float(first.low)


def _above(metric: str, limit: float) -> Check:
    def check(series: Series, heldout: int) -> tuple[float, float] | None:
        values = _values(series, metric)
        if len(values) < WINDOW or _recent(values) <= limit:
            return None
        return _recent(values), limit

    return check


def _chosen_less_likely(series: Series, heldout: int) -> tuple[float, float] | None:
    """DPO only needs the rejected answers to lose more, so both may lose (arXiv:2402.13228)."""
    values = _values(series, "dpo/train/change/chosen")
    if len(values) < WINDOW or _recent(values) >= LESS_LIKELY:
        return None
    return _recent(values), LESS_LIKELY


def _rewards_rise(series: Series) -> bool:
    """Whether the last rewards are above the first and not below the best, beyond their noise."""
    rewards = _values(series, "rollout/reward")
    if len(rewards) < 2 * WINDOW:
        return False
    first, last = rewards[:WINDOW], rewards[-WINDOW:]
    error = np.sqrt((first.var(ddof=1) + last.var(ddof=1)) / WINDOW)
    noise = max(CERTAIN * error, 1e-9)
    best = np.convolve(rewards, np.ones(WINDOW) / WINDOW, mode="valid").max()
    return bool(last.mean() - first.mean() > noise and last.mean() >= best - noise)


def _shorter(series: Series, heldout: int) -> tuple[float, float] | None:
    """Shorter completions that do not earn more: a drift to short texts.

    A model that learns to answer without repeating itself writes shorter texts, too.
    """
    values = _values(series, "rollout/tokens")
    if len(values) < 2 * WINDOW or _rewards_rise(series):
        return None
    means = np.convolve(values, np.ones(WINDOW) / WINDOW, mode="valid")
    limit = SHORTER * float(means.max())
    return (float(means[-1]), limit) if means[-1] < limit else None


def _entropy(series: Series, heldout: int) -> tuple[float, float] | None:
    """Low entropy while the reward has not improved; harmless where answers are correct."""
    values = _values(series, "actor/train/entropy")
    if len(values) < 2 * WINDOW or _rewards_rise(series):
        return None
    limit = ENTROPY * float(values[:WINDOW].mean())
    return (_recent(values), limit) if _recent(values) < limit else None


def _format_without_answers(series: Series, heldout: int) -> tuple[float, float] | None:
    """The format is kept more often while answers are correct less often."""
    formatted, correct = _values(series, "rollout/format"), _values(series, "rollout/answer")
    if min(len(formatted), len(correct)) < 4 * WINDOW:
        return None
    up = _recent(formatted) - float(formatted[:WINDOW].mean())
    down = float(correct[:WINDOW].mean()) - _recent(correct)
    limit = float(correct[:WINDOW].mean()) * (1 - LOST)
    return (_recent(correct), limit) if up > 0 and down > limit else None


def _truncated(series: Series, heldout: int) -> tuple[float, float] | None:
    values = _values(series, "rollout/truncated")
    if len(values) < 2 * WINDOW:
        return None
    return (_recent(values), TRUNCATED) if _recent(values) > TRUNCATED else None


def _zero_variance(series: Series, heldout: int) -> tuple[float, float] | None:
    """Groups with equal rewards that are not simply all correct."""
    values, correct = (
        _values(series, "rollout/zero_variance_groups"),
        _values(series, "rollout/answer"),
    )
    if min(len(values), len(correct)) < WINDOW or _recent(correct) >= 1 - EMPTY:
        return None
    return (_recent(values), ZERO_VARIANCE) if _recent(values) > ZERO_VARIANCE else None


CHECKS: dict[str, Check] = {
    "held-out accuracy below the start": _accuracy,
    "empty completions": _above("rollout/empty", EMPTY),
    "shorter completions": _shorter,
    "KL": _above("actor/train/kl", KL),
    "entropy gone": _entropy,
    "format up, answers down": _format_without_answers,
    "groups without a signal": _zero_variance,
    "completions cut off": _truncated,
    "sampler and trainer disagree": _above("actor/train/mismatch", MISMATCH),
    "chosen answers less likely": _chosen_less_likely,
}
