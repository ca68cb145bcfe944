"""Differences between groups of different problems agree with statsmodels."""

import numpy as np
import pytest
from hypothesis import given, strategies as some
from statsmodels.stats.proportion import confint_proportions_2indep

from evals.statistics.intervals import mean_of_clusters, wilson
from evals.statistics.unpaired import Gap, gap

COUNTS = some.integers(1, 400).flatmap(lambda n: some.tuples(some.integers(0, n), some.just(n)))


def test_the_gap_is_that_of_newcombes_paper():
    # 56 of 70 against 48 of 80 (table II, contrast a, method 10)
    found = gap(wilson(48, 80), wilson(56, 70))
    assert (found.difference, found.low, found.high) == pytest.approx(
        (0.2, 0.0524, 0.3339), abs=5e-5
    )


@given(COUNTS, COUNTS)
def test_the_gap_is_that_of_statsmodels(a, b):
    found = gap(wilson(*a), wilson(*b))
    expected = confint_proportions_2indep(*b, *a, method="newcomb", compare="diff")
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-9)


@given(COUNTS, COUNTS)
def test_the_gap_holds_its_difference_and_turns_round_with_the_groups(a, b):
    found, back = gap(wilson(*a), wilson(*b)), gap(wilson(*b), wilson(*a))
    assert found.low is not None
    assert found.high is not None
    assert found.difference is not None
    assert -1 <= found.low <= found.difference <= found.high <= 1
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))


def test_a_gap_to_nothing_is_unknown():
    nothing = Gap(None, None, None)
    assert [gap(wilson(0, 0), wilson(1, 2)), gap(wilson(1, 2), wilson(0, 0))] == [nothing, nothing]


def test_the_gap_of_several_samples_a_problem_covers_the_truth_95_times_in_100():
    random = np.random.default_rng(0)
    covered = []
    for _ in range(600):
        chances = random.beta(0.7, 0.7, size=160)[:, None]
        rates = (random.random((160, 4)) < chances).mean(axis=1)
        found = gap(mean_of_clusters(rates[:40]), mean_of_clusters(rates[40:]))
        covered.append((found.low or 0) <= 0 <= (found.high or 0))
    assert 0.92 <= np.mean(covered) <= 0.98
