"""How sure we are: intervals for shares, and paired comparisons on the same problems."""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from math import sqrt

import numpy as np
from scipy.stats import binomtest, norm

CONFIDENCE = 0.95
DRAWS = 4_000  # of the bootstrap: the 2.5 % points then move by about 1 % of the interval's width


@dataclass(frozen=True)
class Interval:
    """A share with its 95 % interval. Of nothing, the value and the bounds are unknown (None)."""

    value: float | None
    low: float | None
    high: float | None
    n: int

    def to_json(self) -> dict[str, float | int | None]:
        return asdict(self)


@dataclass(frozen=True)
class Difference:
    """b minus a on the same problems, with its 95 % interval.

    p: exact McNemar where each problem has one sample, else from the bootstrap
    fixed, broken: problems that only b, only a got right (for k samples: did better)
    unknown: problems left out because one of the two could not be decided
    """

    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    n: int
    fixed: int
    broken: int
    unknown: int = 0

    def to_json(self) -> dict[str, float | int | None]:
        return asdict(self)


def wilson(successes: int, n: int) -> Interval:
    """Wilson's score interval for a share (Wilson 1927)."""
    if not 0 <= successes <= n:
        raise ValueError(f"successes must lie between 0 and n, got {successes} of {n}")
    if n == 0:
        return Interval(None, None, None, 0)
    return Interval(successes / n, *_wilson_bounds(successes, n), n)


def _wilson_bounds(successes: int, n: int) -> tuple[float, float]:
    bounds = binomtest(successes, n).proportion_ci(CONFIDENCE, method="wilson")
    share = successes / n
    # the formula's bounds miss 0 and 1 by rounding errors
    return min(float(bounds.low), share), max(float(bounds.high), share)


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
    p = mcnemar(fixed, broken)
    return Difference((fixed - broken) / n, low, high, p, n, fixed, broken, unknown)


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
    low, high, p = cluster_bootstrap(changes, seed)
    return Difference(float(changes.mean()), low, high, p, n, fixed, broken, unknown)


def newcombe(right_a: int, right_b: int, fixed: int, broken: int, n: int) -> tuple[float, float]:
    """95 % interval of a difference between paired shares (Newcombe 1998, method 10).

    Built from the Wilson intervals of both shares and their correlation
    (doi:10.1002/(SICI)1097-0258(19981130)17:22<2635::AID-SIM954>3.0.CO;2-C).
    """
    low_a, high_a = _wilson_bounds(right_a, n)
    low_b, high_b = _wilson_bounds(right_b, n)
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


def cluster_bootstrap(differences: np.ndarray, seed: int) -> tuple[float, float, float]:
    """Interval and two-sided p of a mean over problems, which are drawn with replacement.

    differences: [problems]  float, one number per problem
    """
    n = len(differences)
    random = np.random.default_rng(seed)
    # one draw at a time holds memory at n numbers; all at once would hold DRAWS * n
    means = np.array([differences[random.integers(0, n, n)].mean() for _ in range(DRAWS)])
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    tail = min((means <= 0).mean(), (means >= 0).mean())
    return float(low), float(high), float(min(1.0, max(2 * tail, 1 / DRAWS)))


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


def pass_at_k(correct: np.ndarray, k: int) -> np.ndarray:
    """Chance that at least one of `k` samples is right, unbiased (arXiv:2107.03374, eq. 1).

    correct: [problems, samples]  bool
    returns: [problems]           float in [0, 1]
    """
    samples = correct.shape[1]
    if not 1 <= k <= samples:
        raise ValueError(f"pass@{k} needs 1 to {samples} draws: there are {samples} samples each")
    wrong = samples - correct.sum(axis=1)
    # C(wrong, k) / C(samples, k), one draw at a time, so that no factorial overflows
    draw = np.arange(k)
    all_wrong = np.clip((wrong[:, None] - draw) / (samples - draw), 0, None).prod(axis=1)
    return 1 - all_wrong


def majority_at_k(answers: Sequence[Sequence[Hashable]], correct: np.ndarray) -> np.ndarray:
    """Chance that the commonest answer among a problem's samples is right; a tie is drawn fairly.

    answers: [problems, samples]  equal where the answers are; None, no answer, has no vote
    correct: [problems, samples]  bool
    returns: [problems]           float in [0, 1]; 0 where no sample has an answer
    """
    shares = np.zeros(len(answers))
    for problem, (said, right) in enumerate(zip(answers, correct, strict=True)):
        votes = Counter(answer for answer in said if answer is not None)
        winners = {answer for answer, n in votes.items() if n == max(votes.values())}
        of_winners = dict(zip(said, right, strict=True))
        if winners:
            shares[problem] = sum(bool(of_winners[answer]) for answer in winners) / len(winners)
    return shares
