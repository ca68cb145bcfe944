"""A/B comparison of two ways to train, each with several seeds.

Runs differ for two reasons besides how they were trained: the seed, and which problems were
evaluated. The interval includes both, so three lucky seeds are no proof.
"""

from dataclasses import asdict, dataclass
from math import hypot, inf, sqrt

import numpy as np
from scipy.special import stdtr, stdtrit

from data.errors import UserError
from evals.statistics.intervals import CONFIDENCE
from evals.statistics.paired import Difference, paired_rate_difference
from evals.statistics.power import POWER

BETTER, WORSE, UNDECIDED = "better", "worse", "not distinguishable"


@dataclass(frozen=True)
class SeedComparison:
    """Score of b minus score of a, with its 95 % interval; verdict: about b.

    a, b:     mean over seeds of the share of problems that are correct
    by_seed:  the same for each seed, a's then b's
    seeds, n: number of seeds of a and b; number of problems that all runs answered
    smallest: difference that such a trial detects in 80 % of cases
    """

    a: float
    b: float
    difference: float
    low: float
    high: float
    p: float
    verdict: str
    smallest: float
    seeds: tuple[int, int]
    n: int
    by_seed: tuple[list[float], list[float]]

    def to_json(self) -> dict[str, object]:
        return asdict(self)


def compare_seeds(a: np.ndarray, b: np.ndarray) -> SeedComparison:
    """Compare a and b on the same problems.

    a, b: [seeds, problems]  float in [0, 1]; a nan leaves the problem out

    The interval joins that of the seeds' means (Welch 1947, with Satterthwaite's degrees of freedom
    of 1946) with that of the problems' mean changes, which has a width where all problems change
    alike. The noise of a single answer counts in both, so it errs on the wide side. p is the larger
    of a t-test of both variances and a sign-flip test of the problems; a verdict needs p <= 0.05.
    """
    if min(len(a), len(b)) < 2:
        raise UserError(
            f"{len(a)} and {len(b)} seeds; expected two or more of each, because one run does not"
            " show how much another seed would change. Use more seeds: --seeds 3"
        )
    decided = ~(np.isnan(a).any(axis=0) | np.isnan(b).any(axis=0))
    a, b = a[:, decided], b[:, decided]
    n = int(decided.sum())
    if n < 2:
        raise UserError(f"{n} problems have verdicts in all runs; expected two or more.")
    means_a, means_b = a.mean(axis=1), b.mean(axis=1)
    difference = float(means_b.mean() - means_a.mean())
    of_problems = paired_rate_difference(a.mean(axis=0), b.mean(axis=0))
    low, high = _interval(means_a, means_b, of_problems)
    error, freedom = _standard_error(a, b)
    p = max(_p_value(difference, error, freedom), of_problems.p or 0.0)
    half = (high - low) / 2
    shares = [float(stdtrit(freedom, share)) for share in (POWER, (1 + CONFIDENCE) / 2)]
    return SeedComparison(
        a=float(means_a.mean()),
        b=float(means_b.mean()),
        difference=difference,
        low=low,
        high=high,
        p=p,
        verdict=_verdict(low, high, p),
        smallest=half * (1 + shares[0] / shares[1]),
        seeds=(len(a), len(b)),
        n=n,
        by_seed=(means_a.tolist(), means_b.tolist()),
    )


def _interval(
    means_a: np.ndarray, means_b: np.ndarray, of_problems: Difference
) -> tuple[float, float]:
    """The interval over problems, widened on both sides by that over seeds."""
    assert of_problems.difference is not None
    assert of_problems.low is not None
    assert of_problems.high is not None
    error, freedom = _combined([_component(means_a), _component(means_b)])
    of_seeds = float(stdtrit(freedom, (1 + CONFIDENCE) / 2)) * error
    difference = of_problems.difference
    low = difference - hypot(difference - of_problems.low, of_seeds)
    high = difference + hypot(of_problems.high - difference, of_seeds)
    return max(low, -1.0), min(high, 1.0)


def _p_value(difference: float, error: float, freedom: float) -> float:
    if error == 0:
        return 1.0 if difference == 0 else 0.0
    return 2 * float(stdtr(freedom, -abs(difference) / error))


def _verdict(low: float, high: float, p: float) -> str:
    if p > 1 - CONFIDENCE:
        return UNDECIDED
    return BETTER if low > 0 else WORSE if high < 0 else UNDECIDED


def _standard_error(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Standard error of the difference and its degrees of freedom. a, b: [seeds, problems]"""
    changes = b.mean(axis=0) - a.mean(axis=0)
    return _combined([_component(x) for x in (a.mean(axis=1), b.mean(axis=1), changes)])


def _component(values: np.ndarray) -> tuple[float, int]:
    """Variance of the mean of `values`, and its degrees of freedom."""
    return float(values.var(ddof=1)) / len(values), len(values) - 1


def _combined(components: list[tuple[float, int]]) -> tuple[float, float]:
    variance = sum(part for part, _ in components)
    if variance == 0:
        return 0.0, inf
    return sqrt(variance), variance**2 / sum(part**2 / freedom for part, freedom in components)
