"""How sure we are of a share: intervals for one share, or for a mean over problems."""

from dataclasses import asdict, dataclass
from math import sqrt

import numpy as np
from scipy.stats import binomtest, norm

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A share with its 95 % interval. Of nothing, the value and the bounds are unknown (None)."""

    value: float | None
    low: float | None
    high: float | None
    n: int

    def to_json(self) -> dict[str, float | int | None]:
        return asdict(self)


def wilson(successes: int, n: int) -> Interval:
    """Wilson's score interval for a share (Wilson 1927)."""
    if not 0 <= successes <= n:
        raise ValueError(f"successes must lie between 0 and n, got {successes} of {n}")
    if n == 0:
        return Interval(None, None, None, 0)
    return Interval(successes / n, *wilson_bounds(successes, n), n)


def wilson_bounds(successes: int, n: int) -> tuple[float, float]:
    """The two ends of `wilson`, for at least one trial."""
    bounds = binomtest(successes, n).proportion_ci(CONFIDENCE, method="wilson")
    share = successes / n
    # the formula's bounds miss 0 and 1 by rounding errors
    return min(float(bounds.low), share), max(float(bounds.high), share)


def mean_of_clusters(rates: np.ndarray) -> Interval:
    """Mean over problems of their shares, each of several samples, with its 95 % interval.

    rates: [problems]  float in [0, 1]; n is the number of problems, not of samples
    """
    n = len(rates)
    if n == 0:
        return Interval(None, None, None, 0)
    mean = float(rates.mean())
    # Wilson's interval at the sample size that a simple random sample of this variance would have
    variance = float(rates.var(ddof=1)) if n > 1 else 0.0
    if variance == 0.0 or mean in (0.0, 1.0):
        effective = n
    else:
        effective = max(n, mean * (1 - mean) / variance * n)
    z = float(norm.ppf((1 + CONFIDENCE) / 2))
    center = (mean + z**2 / (2 * effective)) / (1 + z**2 / effective)
    half = z / (1 + z**2 / effective)
    half *= sqrt(mean * (1 - mean) / effective + z**2 / (4 * effective**2))
    return Interval(mean, max(center - half, 0.0), min(center + half, 1.0), n)


def wilson_columns(successes: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two ends of `wilson` for many shares at once; nan where n is 0.

    successes, n: [shares]  int
    returns:      [shares]  float, twice
    """
    z = float(norm.ppf((1 + CONFIDENCE) / 2))
    known = n > 0
    trials = np.where(known, n, 1)
    share = successes / trials
    center = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    half *= z / (1 + z**2 / trials)
    # the formula's bounds miss 0 and 1 by rounding errors
    low = np.where(successes == 0, 0.0, np.minimum(center - half, share))
    high = np.where(successes == trials, 1.0, np.maximum(center + half, share))
    return np.where(known, low, np.nan), np.where(known, high, np.nan)
