"""Which of two runs is better on the same problems, by how much, and how sure that is."""

from dataclasses import asdict, dataclass
from math import sqrt

import numpy as np
from scipy.stats import binomtest, norm, t

from evals.statistics.intervals import CONFIDENCE, wilson_bounds
from evals.statistics.power import smallest_paired

DRAWS = 4_000  # of the bootstrap: the 2.5 % points then move by about 1 % of the interval's width


@dataclass(frozen=True)
class Difference:
    """b minus a on the same problems, with its 95 % interval.

    p: exact McNemar where each problem has one sample, else by flipping signs (`sign_flips`)
    fixed, broken: problems that only b, only a got right (for k samples: did better)
    unknown: problems left out because one of the two could not be decided
    smallest: the smallest difference that 80 % of such comparisons find (evals/statistics/power.py)
    """

    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    n: int
    fixed: int
    broken: int
    unknown: int = 0
    smallest: float | None = None

    def to_json(self) -> dict[str, float | int | None]:
        return asdict(self)


def mcnemar(fixed: int, broken: int) -> float:
    """Exact two-sided p of McNemar's test: were the discordant problems a fair coin's?"""
    return float(binomtest(fixed, fixed + broken, 0.5).pvalue) if fixed + broken else 1.0


def paired(a: np.ndarray, b: np.ndarray, *, seed: int = 0) -> Difference:
    """How much better b is than a on the same problems. A nan on either side leaves a problem out.

    a, b: [problems]           float, 1 right, 0 wrong, nan unknown
       or [problems, samples]  float, likewise; samples of one problem are a cluster
    """
    if len(a) != len(b):
        raise ValueError(f"a and b must be of the same problems, got {len(a)} and {len(b)}")
    if a.ndim > 1 or b.ndim > 1:
        rates = [np.asarray(x, dtype=float).reshape(len(x), -1).mean(axis=1) for x in (a, b)]
        return paired_rates(*rates, seed=seed)
    known = ~(np.isnan(a) | np.isnan(b))
    right_a, right_b = a[known] == 1, b[known] == 1
    n, unknown = len(right_a), int((~known).sum())
    if n == 0:
        return Difference(None, None, None, None, 0, 0, 0, unknown)
    fixed, broken = int((~right_a & right_b).sum()), int((right_a & ~right_b).sum())
    low, high = newcombe(int(right_a.sum()), int(right_b.sum()), fixed, broken, n)
    p, smallest = mcnemar(fixed, broken), _smallest(n, fixed + broken)
    return Difference((fixed - broken) / n, low, high, p, n, fixed, broken, unknown, smallest)


def _smallest(n: int, discordant: int) -> float | None:
    """None where not even so many discordant problems, all one way, would be found."""
    found = smallest_paired(n, discordant / n)
    if found is None or found > discordant / n or mcnemar(discordant, 0) > 1 - CONFIDENCE:
        return None
    return found


def paired_rates(a: np.ndarray, b: np.ndarray, *, seed: int = 0) -> Difference:
    """`paired` where each problem has several samples: the bootstrap draws whole problems.

    a, b: [problems]  float, share of the problem's samples that is right, nan unknown
    """
    known = ~(np.isnan(a) | np.isnan(b))
    changes = b[known] - a[known]
    n, unknown = len(changes), int((~known).sum())
    if n == 0:
        return Difference(None, None, None, None, 0, 0, 0, unknown)
    fixed, broken = int((changes > 0).sum()), int((changes < 0).sum())
    low, high = cluster_bootstrap(changes, seed)
    p = sign_flips(changes, seed)
    smallest = smallest_paired(n, float((changes**2).mean()))
    return Difference(float(changes.mean()), low, high, p, n, fixed, broken, unknown, smallest)


def newcombe(right_a: int, right_b: int, fixed: int, broken: int, n: int) -> tuple[float, float]:
    """95 % interval of a difference between paired shares (Newcombe 1998, method 10).

    Built from the Wilson intervals of both shares and their correlation
    (doi:10.1002/(SICI)1097-0258(19981130)17:22<2635::AID-SIM954>3.0.CO;2-C).
    """
    low_a, high_a = wilson_bounds(right_a, n)
    low_b, high_b = wilson_bounds(right_b, n)
    share_a, share_b = right_a / n, right_b / n
    phi = _correlation(right_a, right_b, fixed, broken, n)
    down_a, up_a, down_b, up_b = (
        share_a - low_a,
        high_a - share_a,
        share_b - low_b,
        high_b - share_b,
    )
    below = sqrt(max(down_b**2 - 2 * phi * down_b * up_a + up_a**2, 0.0))
    above = sqrt(max(up_b**2 - 2 * phi * up_b * down_a + down_a**2, 0.0))
    return max(share_b - share_a - below, -1.0), min(share_b - share_a + above, 1.0)


def _correlation(right_a: int, right_b: int, fixed: int, broken: int, n: int) -> float:
    """Of the two verdicts; a positive one is made smaller by Newcombe's continuity correction."""
    margins = right_a * (n - right_a) * right_b * (n - right_b)
    if margins == 0:
        return 0.0
    both, neither = right_a - broken, n - right_a - fixed
    excess = both * neither - fixed * broken
    return (max(excess - n / 2, 0) if excess > 0 else excess) / sqrt(margins)


def cluster_bootstrap(differences: np.ndarray, seed: int) -> tuple[float, float]:
    """95 % interval of a mean over problems, which are drawn with replacement.

    The plain percentile interval is too narrow by √((n - 1) / n) and by what t has over z, which
    is 3 % at n = 60; its points are moved out by that much (Hesterberg 2015, "What teachers should
    know about the bootstrap", section 4.2). Where no two problems differ it has no width.

    differences: [problems]  float, one number per problem
    """
    n = len(differences)
    # how often each value is drawn is all that a mean needs; k samples have few different values
    values, problems = np.unique(differences, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(n, problems / n, size=DRAWS)
    tail = float(norm.cdf(sqrt(n / (n - 1)) * t.ppf((1 - CONFIDENCE) / 2, n - 1))) if n > 1 else 0.0
    low, high = np.quantile(drawn @ values / n, [tail, 1 - tail])
    return float(low), float(high)


def sign_flips(changes: np.ndarray, seed: int) -> float:
    """Two-sided p of a mean change: of one as large, if each might as well be of the other sign.

    Where every change is -1, 0 or 1 this is McNemar's exact test, but for the draws.

    changes: [problems]  float
    """
    sizes, problems = np.unique(np.abs(changes[changes != 0]), return_counts=True)
    up = np.random.default_rng(seed).binomial(problems, 0.5, size=(DRAWS, len(sizes)))
    sums = np.abs((2 * up - problems) @ sizes)
    as_large = int((sums >= abs(float(changes.sum())) - 1e-9).sum())
    return (as_large + 1) / (DRAWS + 1)  # what was found is one of the draws
