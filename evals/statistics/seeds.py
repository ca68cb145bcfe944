"""Two ways to train, each with several seeds: which is better, and whether that can be told at all.

Runs differ for two reasons besides the way they were trained: the seed, and which problems were
asked. Both count in the interval, so that three lucky seeds are no proof.
"""

from dataclasses import asdict, dataclass
from math import inf, nan, sqrt

import numpy as np
from scipy.stats import t as student

from data.errors import UserError
from evals.statistics.intervals import CONFIDENCE

POWER = 0.8  # with which `smallest` would be seen
BETTER, WORSE, UNDECIDED = "better", "worse", "not distinguishable"


@dataclass(frozen=True)
class Verdict:
    """What b scores minus what a does, with its 95 % interval; verdict: of b.

    a, b:     mean over seeds of the share of problems
    by_seed:  the same of each seed, a's then b's
    seeds, n: of each arm, and the problems that all runs answered
    smallest: difference that such a trial would see four times out of five
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


def verdict(a: np.ndarray, b: np.ndarray) -> Verdict:
    """Compare two arms on the same problems.

    a, b: [seeds, problems]  float in [0, 1]; nan where unknown, which leaves the problem out

    The variance of the difference is that of the means of seeds (as Welch 1947 has it) plus that of
    the problems' mean differences, with Satterthwaite's degrees of freedom (1946). What a single
    answer varies by counts in both, so that the interval is rather too wide than too narrow.
    """
    if min(len(a), len(b)) < 2:
        raise UserError(
            f"{len(a)} and {len(b)} seeds; expected two or more of each: one run says nothing of"
            " how much another seed would change. Ask for more: --seeds 3"
        )
    known = ~(np.isnan(a).any(axis=0) | np.isnan(b).any(axis=0))
    a, b = a[:, known], b[:, known]
    n = int(known.sum())
    if n < 2:
        raise UserError(f"{n} problems with known verdicts in all runs; expected two or more.")
    of_a, of_b = a.mean(axis=1), b.mean(axis=1)
    difference = float(of_b.mean() - of_a.mean())
    parts = (
        (of_a.var(ddof=1) / len(a), len(a) - 1),
        (of_b.var(ddof=1) / len(b), len(b) - 1),
        ((b.mean(axis=0) - a.mean(axis=0)).var(ddof=1) / n, n - 1),
    )
    variance = sum(part for part, _ in parts)
    freedom = variance**2 / sum(part**2 / of for part, of in parts) if variance else inf
    error = sqrt(variance)
    half = float(student.ppf((1 + CONFIDENCE) / 2, freedom)) * error
    low, high = max(difference - half, -1.0), min(difference + half, 1.0)
    said = BETTER if low > 0 else WORSE if high < 0 else UNDECIDED
    chance = 2 * float(student.sf(abs(difference) / error, freedom)) if error else nan
    if not error:
        chance = 1.0 if difference == 0 else 0.0
    return Verdict(
        float(of_a.mean()),
        float(of_b.mean()),
        difference,
        low,
        high,
        chance,
        said,
        half + float(student.ppf(POWER, freedom)) * error,
        (len(a), len(b)),
        n,
        (of_a.tolist(), of_b.tolist()),
    )
