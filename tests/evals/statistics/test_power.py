"""Power of comparisons, and Holm's correction for several of them."""

import gc

import numpy as np
import pytest
from hypothesis import given, settings, strategies as some
from scipy.stats import binom
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower

from evals.statistics.multiple_testing import holm
from evals.statistics.power import detectable_paired, detectable_unpaired

P_VALUES = (0.0, 1e-9, 0.001, 0.012, 0.02, 0.04, 0.05, 0.3, 0.9, 1.0)


def test_gsm8k_shows_3_points_paired_and_5_unpaired():
    """1,319 problems, a fifth of them discordant."""
    assert round(100 * (detectable_paired(1319, 0.2) or 0), 1) == 3.4
    assert round(100 * (detectable_unpaired(1319, 0.5) or 0), 1) == 5.5


def power_of_the_exact_test(n: int, discordant: float, difference: float) -> float:
    """Over all numbers of discordant problems, and of fixed ones among them."""
    total = 0.0
    for m in range(n + 1):
        fixed = np.arange(m + 1)
        significant = 2 * binom.cdf(np.minimum(fixed, m - fixed), m, 0.5) <= 0.05
        among = binom.pmf(fixed, m, (1 + difference / discordant) / 2)
        total += binom.pmf(m, n, discordant) * among[significant].sum()
    return float(total)


@pytest.mark.parametrize(("n", "discordant"), [(100, 0.2), (300, 0.1), (600, 0.4)])
def test_the_exact_test_finds_that_difference_about_four_times_in_five(n, discordant):
    difference = detectable_paired(n, discordant)
    assert difference is not None
    assert 0.75 <= power_of_the_exact_test(n, discordant, difference) <= 0.80


@pytest.mark.parametrize(("n", "share"), [(60, 0.3), (500, 0.7), (1319, 0.85)])
def test_the_unpaired_difference_has_statsmodels_power(n, share):
    difference = detectable_unpaired(n, share)
    assert difference is not None
    # Cohen's h has its middle where the angles do: shares at the same distance in angle
    half = NormalIndPower().solve_power(nobs1=n, alpha=0.05, power=0.8) / 2
    middle = 2 * np.arcsin(np.sqrt(share))
    low, high = ((1 - np.cos(angle)) / 2 for angle in (middle - half, middle + half))
    assert difference == pytest.approx(high - low, rel=1e-4)


def test_what_cannot_be_found_is_unknown():
    assert (
        detectable_paired(0, 0.2)
        is detectable_paired(3, 1.0)
        is detectable_paired(100, 0.0)
        is None
    )
    assert detectable_unpaired(0, 0.5) is detectable_unpaired(100, 1.0) is None


@pytest.fixture(scope="module")
def no_collection():
    """statsmodels collects garbage in each call: half a second where many modules are loaded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gc, "collect", lambda: 0)
        yield


@pytest.mark.usefixtures("no_collection")
@settings(max_examples=20, deadline=None)
@given(some.lists(some.one_of(some.none(), some.sampled_from(P_VALUES)), max_size=20))
def test_holm_is_that_of_statsmodels_over_what_is_known_and_unknown_stays_unknown(p_values):
    corrected = holm(p_values)
    assert [p is None for p in corrected] == [p is None for p in p_values]
    if defined := [p for p in p_values if p is not None]:
        expected = np.asarray(multipletests(defined, method="holm")[1])
        assert [p for p in corrected if p is not None] == pytest.approx(expected.tolist())


def test_holm_multiplies_the_smallest_by_how_many_there_are():
    assert holm([0.01, None, 0.04, 0.03]) == pytest.approx([0.03, None, 0.06, 0.06])
