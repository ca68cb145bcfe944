"""A 95 % interval covers the true value in about 95 % of cases: all outcomes, or 2,000 draws."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from scipy.stats import binom

from evals.statistics import intervals, paired
from evals.statistics.intervals import mean_of_clusters
from evals.statistics.paired import mean_change

# draws of few problems often give the same numbers
wilson, newcombe = cache(intervals.wilson), cache(paired.newcombe)
TIMES = 2_000  # the standard error of a coverage is then 0.5 points


def coverage(bounds: Sequence[tuple[float | None, float | None]], truth: float) -> float:
    low, high = np.array(bounds, dtype=float).T
    return float(((low <= truth + 1e-9) & (truth - 1e-9 <= high)).mean())


@pytest.mark.parametrize("n", [60, 250, 1319])
def test_wilson_covers_every_share_from_30_to_85_percent(n):
    """Exactly, over all outcomes. Coverage oscillates with the share, as counts are integers."""
    bounds = np.array([(i.low, i.high) for i in (wilson(k, n) for k in range(n + 1))])
    for share in np.linspace(0.3, 0.85, 111):
        covered = (bounds[:, 0] <= share + 1e-9) & (share - 1e-9 <= bounds[:, 1])
        assert 0.93 <= binom.pmf(np.arange(n + 1), n, share)[covered].sum() <= 0.97


def paired_coverage(n: int, a: float, b: float, discordant: float) -> float:
    fixed, broken = (discordant + b - a) / 2, (discordant - b + a) / 2
    chances = [a - broken, fixed, broken, 1 - a - fixed]
    tables = np.random.default_rng(0).multinomial(n, chances, size=TIMES).tolist()
    return coverage([newcombe(both + w, both + f, f, w, n) for both, f, w, _ in tables], b - a)


@pytest.mark.parametrize("n", [60, 250, 1319])
@pytest.mark.parametrize(
    ("a", "b", "discordant"), [(0.5, 0.55, 0.2), (0.7, 0.85, 0.25), (0.3, 0.4, 0.4)]
)
def test_newcombe_covers_a_paired_difference(n, a, b, discordant):
    assert 0.93 <= paired_coverage(n, a, b, discordant) <= 0.97


@pytest.mark.parametrize(("a", "b", "discordant"), [(0.3, 0.3, 0.1), (0.85, 0.8, 0.15)])
def test_newcombe_is_wide_rather_than_narrow_where_few_problems_differ(a, b, discordant):
    """Six to nine of 60: few outcomes are possible, and Newcombe corrects the correlation."""
    assert 0.95 <= paired_coverage(60, a, b, discordant) <= 0.985


def rates(random: np.random.Generator, n: int, k: int, chance: np.ndarray) -> np.ndarray:
    """[times, problems]: the share of each problem's k samples that is right."""
    return random.binomial(k, chance, size=(TIMES, n)) / k


@pytest.mark.parametrize(("n", "k"), [(60, 4), (60, 16), (250, 8), (1319, 4)])
@pytest.mark.parametrize(
    ("mean", "alike"), [(0.3, 1.4), (0.5, 1.4), (0.85, 0.5)]
)  # the smaller `alike`, the more a problem's samples are all right or all wrong
def test_the_mean_over_problems_is_covered(n, k, mean, alike):
    random = np.random.default_rng(1)
    chance = random.beta(mean * alike, (1 - mean) * alike, size=(TIMES, n))
    results = [mean_of_clusters(row) for row in rates(random, n, k, chance)]
    assert 0.93 <= coverage([(i.low, i.high) for i in results], mean) <= 0.97


def test_wilson_over_all_samples_would_not_cover_it():
    random = np.random.default_rng(2)
    right = rates(random, 100, 8, random.beta(0.7, 0.7, size=(TIMES, 100))).sum(axis=1) * 8
    results = [wilson(successes, 800) for successes in right.round().astype(int).tolist()]
    assert coverage([(i.low, i.high) for i in results], 0.5) < 0.75


@pytest.mark.parametrize(
    ("n", "k", "mean", "gain"),
    [(60, 4, 0.85, 0.05), (60, 16, 0.5, 0.1), (250, 8, 0.3, 0.0), (1319, 4, 0.5, 0.1)],
)
def test_a_mean_change_of_rates_is_covered(n, k, mean, gain):
    """b wins the share `gain` of what a lacks to 1, so the mean rises by gain (1 - mean)."""
    random = np.random.default_rng(3)
    chance = random.beta(1.4 * mean, 1.4 * (1 - mean), size=(TIMES, n))
    changes = rates(random, n, k, chance + (1 - chance) * gain) - rates(random, n, k, chance)
    bounds = [mean_change(row) for row in changes]
    assert 0.93 <= coverage(bounds, (1 - mean) * gain) <= 0.97


def any_truth(bounds: Sequence[tuple[float | None, float | None]], truths: np.ndarray) -> float:
    low, high = np.array(bounds, dtype=float).T
    return float(((low <= truths + 1e-9) & (truths - 1e-9 <= high)).mean())


@pytest.mark.parametrize("k", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("n", [3, 5, 10, 20])
def test_the_mean_of_few_problems_is_covered(n, k):
    """Over means from 3 to 97 %; problems from always right or wrong to all equally hard."""
    random, covered = np.random.default_rng(4), []
    for alike in (0.5, 2.0, 1e6):
        means = random.uniform(0.03, 0.97, (TIMES // 2, 1))
        chance = random.beta(means * alike, (1 - means) * alike, (TIMES // 2, n))
        right = random.binomial(k, chance)
        of = (wilson(int(x.sum()), n) if k == 1 else mean_of_clusters(x / k) for x in right)
        covered.append(any_truth([(i.low, i.high) for i in of], means[:, 0]))
    assert 0.925 <= np.mean(covered) <= 0.975  # 93 to 97 %, and what 3,000 draws may be off


def newcombe_of(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    fixed, broken = int((b > a).sum()), int((a > b).sum())
    return newcombe(int(a.sum()), int(b.sum()), fixed, broken, len(a))


@pytest.mark.parametrize("k", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("n", [3, 5, 10, 20])
def test_the_change_of_few_problems_is_covered(n, k):
    """A part of the problems has the same chance under both."""
    random, covered, times = np.random.default_rng(5), [], TIMES // 4
    for alike in (0.5, 2.0, 1e6):
        for same in (0.0, 0.5):
            means = random.uniform(0.05, 0.95, (2, times, 1))
            a, b = random.beta(means * alike, (1 - means) * alike, (2, times, n))
            b = np.where(random.random((times, n)) < same, a, b)
            truths = (1 - same) * (means[1] - means[0])[:, 0]
            before, after = random.binomial(k, a) / k, random.binomial(k, b) / k
            if k == 1:
                bounds = [newcombe_of(*pair) for pair in zip(before, after, strict=True)]
            else:
                bounds = [mean_change(changes) for changes in after - before]
            covered.append(any_truth(bounds, truths))
    assert 0.925 <= np.mean(covered) <= 0.975
