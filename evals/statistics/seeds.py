"""A/B comparison of two ways to train, each with several seeds.

Runs differ for two reasons besides how they were trained: the seed, and which problems were
evaluated. The interval includes both, so three lucky seeds are no proof.
"""

from dataclasses import asdict, dataclass
from math import inf, sqrt

import numpy as np
from scipy.stats import t as student

from data.errors import UserError
from evals.statistics.intervals import CONFIDENCE
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

    The variance of the difference is the variance of the seeds' means (Welch 1947) plus that of the
    mean differences of the problems, with Satterthwaite's degrees of freedom (1946). The noise of a
    single answer counts in both, so the interval errs on the wide side.
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
    error, freedom = _standard_error(a, b)
    half = float(student.ppf((1 + CONFIDENCE) / 2, freedom)) * error
    low, high = max(difference - half, -1.0), min(difference + half, 1.0)
    if error:
        p = 2 * float(student.sf(abs(difference) / error, freedom))
    else:
        p = 1.0 if difference == 0 else 0.0
    return SeedComparison(
        a=float(means_a.mean()),
        b=float(means_b.mean()),
        difference=difference,
        low=low,
        high=high,
        p=p,
        verdict=BETTER if low > 0 else WORSE if high < 0 else UNDECIDED,
        smallest=half + float(student.ppf(POWER, freedom)) * error,
        seeds=(len(a), len(b)),
        n=n,
        by_seed=(means_a.tolist(), means_b.tolist()),
    )


def _standard_error(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Standard error of the difference and its degrees of freedom. a, b: [seeds, problems]"""
    n = a.shape[1]
    components = (
        (a.mean(axis=1).var(ddof=1) / len(a), len(a) - 1),
        (b.mean(axis=1).var(ddof=1) / len(b), len(b) - 1),
        ((b.mean(axis=0) - a.mean(axis=0)).var(ddof=1) / n, n - 1),
    )
    variance = float(sum(part for part, _ in components))
    if variance == 0:
        return 0.0, inf
    return sqrt(variance), float(variance**2 / sum(part**2 / of for part, of in components))
