"""Intervals of shares and unpaired differences: against scipy, statsmodels and papers."""

import numpy as np
import pytest
from hypothesis import given, strategies as some
from scipy.stats import binomtest
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from evals.statistics.intervals import (
    Interval,
    UnpairedDifference,
    mean_of_clusters,
    unpaired_difference,
    wilson,
    wilson_bounds,
)

COUNTS = some.integers(1, 400).flatmap(lambda n: some.tuples(some.integers(0, n), some.just(n)))


@pytest.mark.parametrize(("successes", "n"), [(0, 5), (5, 5), (625, 1319), (32, 64), (1, 1)])
def test_wilson_is_scipys(successes, n):
    bounds = binomtest(successes, n).proportion_ci(method="wilson")
    interval = wilson(successes, n)
    assert (interval.value, interval.n) == (successes / n, n)
    assert (interval.low, interval.high) == pytest.approx((bounds.low, bounds.high), abs=1e-12)
    assert (interval.low, interval.high) == pytest.approx(
        proportion_confint(successes, n, method="wilson"), abs=1e-12
    )


def test_a_share_of_nothing_is_unknown():
    assert wilson(0, 0) == Interval(None, None, None, 0)
    assert mean_of_clusters(np.array([])) == Interval(None, None, None, 0)


def test_more_successes_than_trials_are_refused():
    with pytest.raises(ValueError, match="between 0 and n, got 3 of 2"):
        wilson(3, 2)


@given(some.lists(COUNTS, min_size=1, max_size=20))
def test_many_shares_at_once_have_the_bounds_of_each(counts):
    successes, n = np.array(counts).T
    each = [wilson(int(k), int(of)) for k, of in zip(successes, n, strict=True)]
    low, high = wilson_bounds(successes, n)
    assert low.tolist() == [interval.low for interval in each]
    assert high.tolist() == [interval.high for interval in each]


def test_bounds_of_a_share_of_nothing_are_nan():
    low, high = wilson_bounds(np.array([0, 1]), np.array([0, 2]))
    assert np.isnan([low[0], high[0]]).all()
    assert not np.isnan([low[1], high[1]]).any()


def test_the_gap_is_that_of_newcombes_paper():
    # 56 of 70 against 48 of 80 (table II, contrast a, method 10)
    gap = unpaired_difference(wilson(48, 80), wilson(56, 70))
    assert (gap.difference, gap.low, gap.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


@given(COUNTS, COUNTS)
def test_the_gap_is_that_of_statsmodels(a, b):
    gap = unpaired_difference(wilson(*a), wilson(*b))
    expected = confint_proportions_2indep(*b, *a, method="newcomb", compare="diff")
    assert (gap.low, gap.high) == pytest.approx(expected, abs=1e-9)


@given(COUNTS, COUNTS)
def test_the_gap_holds_its_difference_and_turns_round_with_the_groups(a, b):
    gap, back = (
        unpaired_difference(wilson(*a), wilson(*b)),
        unpaired_difference(wilson(*b), wilson(*a)),
    )
    assert gap.low is not None
    assert gap.high is not None
    assert gap.difference is not None
    assert -1 <= gap.low <= gap.difference <= gap.high <= 1
    assert (back.low, back.high) == pytest.approx((-gap.high, -gap.low))


def test_a_gap_to_nothing_is_unknown():
    nothing = UnpairedDifference(None, None, None)
    assert [
        unpaired_difference(wilson(0, 0), wilson(1, 2)),
        unpaired_difference(wilson(1, 2), wilson(0, 0)),
    ] == [nothing, nothing]


def test_the_gap_of_several_samples_a_problem_covers_the_truth_95_times_in_100():
    random = np.random.default_rng(0)
    covered = []
    for _ in range(600):
        chances = random.beta(0.7, 0.7, size=160)[:, None]
        rates = (random.random((160, 4)) < chances).mean(axis=1)
        gap = unpaired_difference(mean_of_clusters(rates[:40]), mean_of_clusters(rates[40:]))
        covered.append((gap.low or 0) <= 0 <= (gap.high or 0))
    assert 0.92 <= np.mean(covered) <= 0.98
