"""Paired comparisons: against published examples, scipy and statsmodels."""

import subprocess
import sys
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import contingency
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from evals.statistics.intervals import wilson
from evals.statistics.paired import (
    Difference,
    mcnemar,
    newcombe,
    paired_difference,
    paired_rate_difference,
    sign_flip_test,
)
from evals.statistics.power import detectable_paired
from tests import ROOT


def test_a_difference_on_no_problem_is_unknown():
    assert paired_difference(np.array([np.nan]), np.array([1.0])) == Difference(
        None, None, None, None, n=0, fixed=0, broken=0, unknown=1
    )


def test_newcombes_interval_is_that_of_his_paper():
    # 36 right in both, 12 in b only, 2 in a only, 0 in neither (table II, method 10)
    assert newcombe(38, 48, 12, 2, 50) == pytest.approx((0.0569, 0.3404), abs=5e-5)


def test_nothing_imports_scipy_stats_which_every_command_would_wait_for():
    loaded = "import sys, evals.comparison.compare, evals.curation.choose, evals.statistics.seeds\n"
    loaded += "sys.exit('scipy.stats' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loaded], cwd=ROOT).returncode == 0


def test_mcnemar_is_the_exact_binomial_test():
    assert mcnemar(12, 2) == pytest.approx(2 * sum(comb(14, i) for i in range(3)) / 2**14)
    assert mcnemar(0, 0) == 1.0


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_is_that_of_statsmodels(fixed, broken):
    expected = statsmodels_mcnemar([[7, fixed], [broken, 9]], exact=True)
    assert mcnemar(fixed, broken) == pytest.approx(expected.pvalue, abs=1e-12)  # type: ignore[attr-defined]


def test_unknown_verdicts_leave_the_pair_and_are_counted():
    a = np.array([1, 0, 0, np.nan, 1])
    b = np.array([1, 1, np.nan, 1, 0])
    change = paired_difference(a, b)
    assert (change.n, change.fixed, change.broken, change.unknown) == (3, 1, 1, 2)
    assert change.difference == 0


def test_the_sign_says_that_b_is_better():
    change = paired_difference(np.zeros(20), np.ones(20))
    assert change.difference == 1
    assert change.low is not None
    assert change.low > 0.7
    assert change.p == pytest.approx(2 / 2**20)


def test_runs_on_different_numbers_of_problems_are_refused():
    with pytest.raises(ValueError, match="same problems, got 2 and 3"):
        paired_difference(np.zeros(2), np.zeros(3))


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_the_interval_holds_the_difference_and_lies_within_the_possible(pairs):
    a, b = np.array(pairs, dtype=float).T
    change, back = paired_difference(a, b), paired_difference(b, a)
    assert change.low is not None
    assert change.high is not None
    assert change.difference is not None
    assert -1 <= change.low <= change.difference + 1e-12
    assert change.difference - 1e-12 <= change.high <= 1
    assert (back.low, back.high) == pytest.approx((-change.high, -change.low))


def test_samples_of_one_problem_do_not_count_as_problems():
    a, b = np.tile([[0.0], [1.0]], (5, 8)), np.tile([[1.0], [1.0]], (5, 8))
    change = paired_difference(a, b)
    assert (change.n, change.fixed, change.broken) == (10, 5, 0)


def test_the_p_of_several_samples_is_the_same_for_the_same_seed():
    random = np.random.default_rng(3)
    a, b = random.random(50), random.random(50)
    assert paired_rate_difference(a, b, seed=1) == paired_rate_difference(a, b, seed=1)
    assert paired_rate_difference(a, b, seed=1).p != paired_rate_difference(a, b, seed=2).p


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.zeros((3, 8)), np.ones((3, 8))),
        (np.zeros((1, 8)), np.ones((1, 8))),
        (np.ones((1, 8)), np.zeros((1, 8))),
        (np.zeros((2, 5)), np.ones((2, 5))),
        (np.full((20, 4), 0.5), np.full((20, 4), 0.5)),
        (np.tile([1.0, 0.0], (3, 1)), np.ones((3, 2))),
        (np.ones((3, 8)), np.ones((3, 8))),
        (np.zeros((1, 1)), np.zeros((1, 1))),
    ],
)
def test_problems_that_all_change_alike_have_an_interval_with_a_width_that_fits_the_p(a, b):
    change = paired_difference(a, b)
    assert change.difference is not None
    assert change.low is not None
    assert change.high is not None
    assert change.p is not None
    assert -1 <= change.low <= change.difference <= change.high <= 1
    assert change.high - change.low > 0.05
    assert (change.low > 0 or change.high < 0) <= (change.p < 0.6)
    assert (change.p == 1) <= (change.low < 0 < change.high)


def test_no_change_at_all_has_no_small_p():
    change = paired_rate_difference(np.full(9, 0.5), np.full(9, 0.5))
    assert (change.difference, change.p) == (0, 1)


@pytest.mark.parametrize(("fixed", "broken"), [(12, 2), (5, 5), (9, 3)])
def test_flipping_signs_is_mcnemars_test_where_each_problem_has_one_sample(fixed, broken):
    changes = np.array([1.0] * fixed + [-1.0] * broken + [0.0] * 20)
    # 4,000 draws: the standard error is 0.008 at most
    assert sign_flip_test(changes, seed=0) == pytest.approx(mcnemar(fixed, broken), abs=0.02)


def test_one_problem_proves_nothing_however_many_samples_it_has():
    assert paired_rate_difference(np.array([0.0]), np.array([1.0])).p == 1


def test_a_change_that_is_hardly_there_is_never_called_found():
    """Half of the alike problems by chance: p is below 0.05 in 5 % of such comparisons at most."""
    random = np.random.default_rng(4)
    rates = random.binomial(4, random.random((600, 1, 40)), size=(600, 2, 40)) / 4
    significant = [sign_flip_test(b - a, seed) < 0.05 for seed, (a, b) in enumerate(rates)]
    assert np.mean(significant) <= 0.07


def test_the_smallest_difference_is_unknown_where_none_can_be_found():
    a = np.zeros(60)
    assert paired_difference(a, a).smallest is None
    for discordant, is_defined in ((5, False), (12, True)):
        change = paired_difference(a, (np.arange(60) < discordant).astype(float))
        assert (change.smallest is not None) == is_defined


def test_the_smallest_difference_of_single_samples_is_that_of_their_rates():
    random = np.random.default_rng(5)
    a, b = random.integers(0, 2, (2, 200)).astype(float)
    discordant = float((a != b).mean())
    expected = detectable_paired(200, discordant)
    assert paired_difference(a, b).smallest == paired_rate_difference(a, b).smallest == expected


def test_newcombe_and_the_unpaired_interval_part_where_verdicts_are_alike():
    """What pairing is for: the same discordance, distinguished by how similar the runs are."""
    table = np.array([[600, 60], [40, 300]])
    assert contingency.association(table) > 0.5
    low, high = newcombe(640, 660, 60, 40, 1_000)
    one = wilson(640, 1_000)
    assert one.high is not None
    assert one.low is not None
    assert high - low < one.high - one.low
