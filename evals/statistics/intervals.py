"""Confidence intervals: of a share, of a mean over problems, and of a difference between groups."""

from dataclasses import asdict, dataclass
from functools import lru_cache
from math import hypot

import numpy as np
from scipy.special import ndtri, stdtrit

CONFIDENCE = 0.95
Z = float(ndtri((1 + CONFIDENCE) / 2))  # two-sided critical value, 1.96
SINGLE = 0.03  # of a problem whose one sample is right or wrong, added to the variance
UNSEEN, MOST_UNSEEN = 0.01, 0.5  # of a problem as far from the mean as any: for each, and at most
MORE_FREEDOM = 3  # degrees of freedom of the variance between problems, beyond n - 1
SMALL = 30  # problems; a group of fewer is marked as small


@dataclass(frozen=True)
class Interval:
    """A share with its 95 % interval. For n = 0 the value and both bounds are None."""

    value: float | None
    low: float | None
    high: float | None
    n: int

    def to_json(self) -> dict[str, float | int | None]:
        return asdict(self)


def wilson(successes: int, n: int) -> Interval:
    """Wilson's score interval of a share (Wilson 1927)."""
    if not 0 <= successes <= n:
        raise ValueError(f"successes must lie between 0 and n, got {successes} of {n}")
    if n == 0:
        return Interval(None, None, None, 0)
    low, high = score_bounds(successes / n, n)
    return Interval(successes / n, float(low), float(high), n)


def wilson_bounds(successes: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both bounds of `wilson` for many shares at once; nan where n is 0.

    successes, n: [shares]  int
    returns:      [shares]  float, twice
    """
    is_defined = n > 0
    trials = np.where(is_defined, n, 1)
    low, high = score_bounds(successes / trials, trials)
    return np.where(is_defined, low, np.nan), np.where(is_defined, high, np.nan)


def mean_of_clusters(rates: np.ndarray) -> Interval:
    """Mean over problems with its 95 % interval, where each problem has several samples.

    It is Wilson's interval at the effective sample size: the size at which a simple random sample
    would have the variance that is observed between problems. So it has a width where all rates
    are equal, too. docs/decisions/0021 has its coverage for 3 to 1,000 problems.

    rates: [problems]  float in [0, 1], the share of the problem's samples that is correct
    returns: an interval whose n is the number of problems, not of samples
    """
    n = len(rates)
    if n == 0:
        return Interval(None, None, None, 0)
    mean = float(rates.mean())
    low, high = score_bounds(mean, _effective_size(rates, mean))
    return Interval(mean, float(low), float(high), n)


def _effective_size(rates: np.ndarray, mean: float) -> float:
    """The size of a simple random sample whose mean is known as well as that of `rates`.

    Not smaller than the number of problems. The observed variance of few problems is too small too
    often, above all if few differ from the rest. So parts of problems are added: SINGLE of one with
    the variance of a single verdict, and UNSEEN of one as far from the mean as the farthest. And
    Student's quantile replaces the normal one, as in the interval of Korn and Graubard (1998,
    "Confidence intervals for proportions with small expected number of positive counts estimated
    from survey data", Survey Methodology 24:193-201). The constants are chosen by the coverage.
    """
    n, of_verdicts = len(rates), mean * (1 - mean)
    if n == 1 or of_verdicts <= 0:
        return float(n)
    squares = (rates - mean) ** 2
    unseen = min(UNSEEN * n, MOST_UNSEEN)
    added = SINGLE * of_verdicts + unseen * (float(squares.max()) or of_verdicts)
    variance = (float(squares.sum()) + added) / (n - 1 + SINGLE + unseen)
    small_sample = (Z / students_quantile(n - 1 + MORE_FREEDOM)) ** 2
    return max(float(n), of_verdicts / variance * n * small_sample)


@lru_cache(maxsize=1024)  # 50 µs each
def students_quantile(freedom: int) -> float:
    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))


def score_bounds(
    share: np.ndarray | float, trials: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's formula, of many shares or of one: of a float it takes a third of an array's time.

    trials: above 0, not necessarily whole
    """
    scale = 1 + Z**2 / trials
    center = (share + Z**2 / (2 * trials)) / scale
    half = Z / scale * np.sqrt(share * (1 - share) / trials + Z**2 / (4 * trials**2))
    # at shares of 0 and 1 the formula misses the exact bound by a rounding error
    low = np.where(share == 0, 0.0, np.minimum(center - half, share))
    high = np.where(share == 1, 1.0, np.maximum(center + half, share))
    return low, high


@dataclass(frozen=True)
class UnpairedDifference:
    """b minus a with its 95 % interval; all None where the value of a or b is None."""

    difference: float | None
    low: float | None
    high: float | None

    def to_json(self) -> dict[str, float | None]:
        return asdict(self)


def unpaired_difference(a: Interval, b: Interval) -> UnpairedDifference:
    """b minus a, for two groups that have no problem in common.

    For Wilson intervals this is method 10 of Newcombe 1998, "Interval estimation for the difference
    between independent proportions", Statistics in Medicine 17:873-890. Other intervals are
    combined in the same way (MOVER; Zou and Donner 2008, ibid. 27:1693-1702).
    """
    if a.value is None or a.low is None or a.high is None:
        return UnpairedDifference(None, None, None)
    if b.value is None or b.low is None or b.high is None:
        return UnpairedDifference(None, None, None)
    difference = b.value - a.value
    low = difference - hypot(b.value - b.low, a.high - a.value)
    high = difference + hypot(b.high - b.value, a.value - a.low)
    return UnpairedDifference(difference, max(low, -1.0), min(high, 1.0))
