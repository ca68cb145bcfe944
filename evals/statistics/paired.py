"""Paired comparison of two runs on the same problems: difference, interval, p-value."""

from dataclasses import asdict, dataclass
from math import sqrt

import numpy as np
from scipy.special import bdtr

from evals.statistics.intervals import CONFIDENCE, mean_of_clusters, wilson_bounds
from evals.statistics.power import detectable_paired

DRAWS = 4_000  # of random signs; a p of 0.05 then varies by 0.003


@dataclass(frozen=True)
class Difference:
    """b minus a on the same problems, with its 95 % interval.

    p: exact McNemar test for one sample per problem, else a sign-flip test (`sign_flip_test`)
    fixed, broken: problems that only b, only a answers correctly (of k samples: does better)
    unknown: problems with an unknown verdict in a or b. The functions of this file leave them out;
             those of evals/comparison/metrics.py count unknown as not correct, on both sides
    if_correct: the difference if all unknown verdicts were correct
    lowest, highest: the difference if they were all against b, and all for b
    smallest: smallest difference that 80 % of such comparisons detect (evals/statistics/power.py)
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
    if_correct: float | None = None
    lowest: float | None = None
    highest: float | None = None

    def to_json(self) -> dict[str, float | int | None]:
        return asdict(self)


def mcnemar(fixed: int, broken: int) -> float:
    """Two-sided p-value of McNemar's exact test: do the discordant problems split evenly?"""
    # scipy.stats has binomtest, and takes 1.6 s to import, which every command would wait for
    return min(1.0, 2 * float(bdtr(min(fixed, broken), fixed + broken, 0.5)))


def paired_difference(a: np.ndarray, b: np.ndarray, *, seed: int = 0) -> Difference:
    """How much better b is than a on the same problems. A nan on either side leaves a problem out.

    a, b: [problems]           float, 1 correct, 0 incorrect, nan undecided
       or [problems, samples]  the same; the samples of one problem are a cluster
    """
    if len(a) != len(b):
        raise ValueError(f"a and b must be of the same problems, got {len(a)} and {len(b)}")
    if a.ndim > 1 or b.ndim > 1:
        rates = [np.asarray(x, dtype=float).reshape(len(x), -1).mean(axis=1) for x in (a, b)]
        return paired_rate_difference(*rates, seed=seed)
    decided = ~(np.isnan(a) | np.isnan(b))
    correct_a, correct_b = a[decided] == 1, b[decided] == 1
    n, unknown = len(correct_a), int((~decided).sum())
    if n == 0:
        return Difference(None, None, None, None, 0, 0, 0, unknown)
    fixed, broken = int((~correct_a & correct_b).sum()), int((correct_a & ~correct_b).sum())
    low, high = newcombe(int(correct_a.sum()), int(correct_b.sum()), fixed, broken, n)
    p, smallest = mcnemar(fixed, broken), _detectable(n, fixed + broken)
    return Difference((fixed - broken) / n, low, high, p, n, fixed, broken, unknown, smallest)


def _detectable(n: int, discordant: int) -> float | None:
    """`detectable_paired`; None where even a split of all discordant to one side is undetected."""
    difference = detectable_paired(n, discordant / n)
    if difference is None or difference > discordant / n:
        return None
    return difference if mcnemar(discordant, 0) <= 1 - CONFIDENCE else None


def paired_rate_difference(a: np.ndarray, b: np.ndarray, *, seed: int = 0) -> Difference:
    """`paired_difference` for several samples per problem, which are a cluster.

    a, b: [problems]  float, share of the problem's samples that is correct, nan undecided
    """
    decided = ~(np.isnan(a) | np.isnan(b))
    changes = b[decided] - a[decided]
    n, unknown = len(changes), int((~decided).sum())
    if n == 0:
        return Difference(None, None, None, None, 0, 0, 0, unknown)
    fixed, broken = int((changes > 0).sum()), int((changes < 0).sum())
    low, high = mean_change(changes)
    p = sign_flip_test(changes, seed)
    smallest = detectable_paired(n, float((changes**2).mean()))
    return Difference(float(changes.mean()), low, high, p, n, fixed, broken, unknown, smallest)


def newcombe(right_a: int, right_b: int, fixed: int, broken: int, n: int) -> tuple[float, float]:
    """95 % interval of a difference between paired shares (Newcombe 1998, method 10).

    It combines the Wilson intervals of both shares with their correlation
    (doi:10.1002/(SICI)1097-0258(19981130)17:22<2635::AID-SIM954>3.0.CO;2-C).
    """
    lows, highs = wilson_bounds(np.array([right_a, right_b]), np.array([n, n]))
    share_a, share_b = right_a / n, right_b / n
    below_a, below_b = share_a - float(lows[0]), share_b - float(lows[1])
    above_a, above_b = float(highs[0]) - share_a, float(highs[1]) - share_b
    phi = _correlation(right_a, right_b, fixed, broken, n)
    below = sqrt(max(below_b**2 - 2 * phi * below_b * above_a + above_a**2, 0.0))
    above = sqrt(max(above_b**2 - 2 * phi * above_b * below_a + below_a**2, 0.0))
    return max(share_b - share_a - below, -1.0), min(share_b - share_a + above, 1.0)


def _correlation(right_a: int, right_b: int, fixed: int, broken: int, n: int) -> float:
    """Correlation of the two verdicts; Newcombe's continuity correction shrinks a positive one."""
    margins = right_a * (n - right_a) * right_b * (n - right_b)
    if margins == 0:
        return 0.0
    both, neither = right_a - broken, n - right_a - fixed
    excess = both * neither - fixed * broken
    return (max(excess - n / 2, 0) if excess > 0 else excess) / sqrt(margins)


def mean_change(changes: np.ndarray) -> tuple[float, float]:
    """95 % interval of a mean change over problems: `mean_of_clusters` on the scale of -1 to 1.

    Not a bootstrap: of 3 to 20 problems it covers 53 to 95 % (docs/decisions/0021), and its
    interval has no width where all problems change alike.

    changes: [problems]  float in [-1, 1]
    """
    interval = mean_of_clusters((1 + changes) / 2)
    assert interval.low is not None
    assert interval.high is not None
    return 2 * interval.low - 1, 2 * interval.high - 1


def sign_flip_test(changes: np.ndarray, seed: int) -> float:
    """Two-sided p-value of a mean change: how often random signs give a mean at least as large.

    If every change is -1, 0 or 1, this is McNemar's exact test up to the random draws.

    Not scipy.stats.permutation_test: for 1,319 problems of 4 samples it takes 3,000 ms, this 6 ms,
    because the signs are drawn as one binomial count for each different size of a change.

    changes: [problems]  float
    """
    sizes, problems = np.unique(np.abs(changes[changes != 0]), return_counts=True)
    positive = np.random.default_rng(seed).binomial(problems, 0.5, size=(DRAWS, len(sizes)))
    sums = np.abs((2 * positive - problems) @ sizes)
    at_least_as_large = int((sums >= abs(float(changes.sum())) - 1e-9).sum())
    return (at_least_as_large + 1) / (DRAWS + 1)  # the observed signs count as one draw
