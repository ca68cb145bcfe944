"""What a comparison can see: the smallest difference that it finds four times in five.

A difference of this size comes out with p < 0.05 (two-sided) in 80 % of comparisons; of a smaller
one more are missed, so "no difference was found" says little about it.
"""

from math import asin, pi, sin, sqrt

from scipy.stats import norm

from evals.statistics.intervals import CONFIDENCE

POWER = 0.8
ALPHA_POINT = float(norm.ppf((1 + CONFIDENCE) / 2))
POWER_POINT = float(norm.ppf(POWER))


def smallest_paired(n: int, discordant: float) -> float | None:
    """Smallest difference that McNemar's test detects on `n` problems; None where none is.

    n = (z_a √d + z_b √(d - δ²))² / δ², solved for δ (Connor 1987, "Sample size for testing
    differences in proportions for the paired-sample design", Biometrics 43:207-211). At that
    difference the exact test, which is a little weaker, finds 75 to 79 % (n from 100 to 1,319).

    discordant: share d of the problems whose verdicts differ. Of several samples a problem it is
                the mean of the squared changes, which is the same number where there is one sample
    """
    root = n + POWER_POINT**2 - ALPHA_POINT**2
    if root < 0 or discordant == 0:
        return None
    points = ALPHA_POINT * sqrt(n) + POWER_POINT * sqrt(root)
    return sqrt(discordant) * points / (n + POWER_POINT**2)


def smallest_unpaired(n: int, share: float) -> float | None:
    """Likewise of two runs on `n` different problems each; `share` is the mean of both runs'.

    By Cohen's h = 2 asin √p_b - 2 asin √p_a = (z_a + z_b) √(2 / n) (Cohen 1988, "Statistical power
    analysis", chapter 6). None where no two shares around `share` lie so far apart.
    """
    if n == 0:
        return None
    half, middle = (ALPHA_POINT + POWER_POINT) / sqrt(2 * n), 2 * asin(sqrt(share))
    if not half <= middle <= pi - half:
        return None
    return sin(middle) * sin(half)
