"""Power: the smallest difference that a comparison detects in 80 % of cases.

A true difference of this size gives p < 0.05 (two-sided) in 80 % of comparisons. Smaller ones are
missed more often, so "no significant difference" says little about them.
"""

from math import asin, pi, sin, sqrt

from scipy.special import ndtri

from evals.statistics.intervals import Z

POWER = 0.8
POWER_Z = float(ndtri(POWER))


def detectable_paired(n: int, discordant: float) -> float | None:
    """Smallest difference that McNemar's test detects on `n` problems; None where there is none.

    n = (z_a √d + z_b √(d - δ²))² / δ², solved for δ (Connor 1987, "Sample size for testing
    differences in proportions for the paired-sample design", Biometrics 43:207-211). The exact
    test is slightly weaker: its power at that difference is 75 to 79 % (n from 100 to 1,319).

    discordant: share d of the problems whose verdicts differ. With several samples per problem use
                the mean of the squared changes; for one sample both are the same number
    """
    root = n + POWER_Z**2 - Z**2
    if root < 0 or discordant == 0:
        return None
    return sqrt(discordant) * (Z * sqrt(n) + POWER_Z * sqrt(root)) / (n + POWER_Z**2)


def detectable_unpaired(n: int, share: float) -> float | None:
    """The same for two runs on `n` different problems each.

    By Cohen's h = 2 asin √p_b - 2 asin √p_a = (z_a + z_b) √(2 / n) (Cohen 1988, "Statistical power
    analysis", chapter 6). None where no two shares around `share` are that far apart.

    share: mean of the shares of both runs
    """
    if n == 0:
        return None
    half, middle = (Z + POWER_Z) / sqrt(2 * n), 2 * asin(sqrt(share))
    if not half <= middle <= pi - half:
        return None
    return sin(middle) * sin(half)
