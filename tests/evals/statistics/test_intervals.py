"""Intervals of shares: against scipy and statsmodels, and at their ends."""

import numpy as np
import pytest
from scipy.stats import binomtest
from statsmodels.stats.proportion import proportion_confint

from evals.statistics.intervals import Interval, mean_of_clusters, wilson


@pytest.mark.parametrize(("successes", "n"), [(0, 5), (5, 5), (625, 1319), (32, 64), (1, 1)])
def test_wilson_is_scipys(successes, n):
    bounds = binomtest(successes, n).proportion_ci(method="wilson")
    found = wilson(successes, n)
    assert (found.value, found.n) == (successes / n, n)
    assert (found.low, found.high) == pytest.approx((bounds.low, bounds.high), abs=1e-12)
    assert (found.low, found.high) == pytest.approx(
        proportion_confint(successes, n, method="wilson"), abs=1e-12
    )


def test_a_share_of_nothing_is_unknown():
    assert wilson(0, 0) == Interval(None, None, None, 0)
    assert mean_of_clusters(np.array([])) == Interval(None, None, None, 0)


def test_more_successes_than_trials_are_refused():
    with pytest.raises(ValueError, match="between 0 and n, got 3 of 2"):
        wilson(3, 2)
