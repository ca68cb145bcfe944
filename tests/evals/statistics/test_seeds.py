"""Two ways to train with several seeds: the verdict, and the coverage of the interval."""

import numpy as np
import pytest

from data.errors import UserError
from evals.statistics.seeds import BETTER, UNDECIDED, WORSE, compare_seeds


def drawn(random, shares, problems):
    """One arm: a run for each of `shares`, right on so many of the problems by chance."""
    return (random.random((len(shares), problems.size)) < problems + np.c_[shares]).astype(float)


def test_an_arm_that_is_right_more_often_at_every_seed_is_better_and_the_other_worse():
    random, problems = np.random.default_rng(0), np.full(400, 0.5)
    low, high = drawn(random, [0, 0, 0], problems), drawn(random, [0.2, 0.2, 0.2], problems)
    assert compare_seeds(low, high).verdict == BETTER
    assert compare_seeds(high, low).verdict == WORSE
    comparison = compare_seeds(low, high)
    assert comparison.low < 0.2 < comparison.high
    assert comparison.p < 0.01


def test_seeds_that_differ_more_than_the_arms_decide_nothing():
    random, problems = np.random.default_rng(0), np.full(400, 0.5)
    comparison = compare_seeds(
        drawn(random, [-0.2, 0.2, 0], problems), drawn(random, [0.2, -0.1, 0.1], problems)
    )
    assert comparison.verdict == UNDECIDED
    assert comparison.smallest > abs(comparison.difference)


def test_the_same_answers_in_both_arms_differ_by_nothing_within_the_few_problems_there_are():
    same = np.tile([1.0, 0.0, 1.0], (2, 1))
    comparison = compare_seeds(same, same)
    assert (comparison.difference, comparison.p) == (0, 1)
    assert -0.3 < comparison.low < 0 < comparison.high < 0.3
    assert comparison.verdict == UNDECIDED


@pytest.mark.parametrize(("seeds", "problems"), [(2, 2), (2, 5), (3, 5), (5, 3), (2, 20)])
def test_arms_that_never_and_always_answer_right_have_an_interval_and_a_p(seeds, problems):
    comparison = compare_seeds(np.zeros((seeds, problems)), np.ones((seeds, problems)))
    assert comparison.difference == comparison.high == 1
    assert comparison.low < 1 - 1 / (problems + 2)
    assert comparison.p >= 1.8 * 0.5**problems  # by random draws: what so few problems can show
    assert comparison.verdict == (BETTER if problems == 20 else UNDECIDED)


def test_a_problem_with_an_unknown_verdict_is_left_out_of_all_runs():
    a = np.array([[1.0, 0.0, np.nan], [1.0, 0.0, 1.0]])
    b = np.array([[1.0, 1.0, 1.0], [1.0, 1.0, 0.0]])
    comparison = compare_seeds(a, b)
    assert (comparison.n, comparison.a, comparison.b) == (2, 0.5, 1.0)


@pytest.mark.parametrize("seeds", [0, 1])
def test_one_run_an_arm_is_refused(seeds):
    with pytest.raises(UserError, match="expected two or more"):
        compare_seeds(np.zeros((seeds, 4)), np.zeros((3, 4)))


@pytest.mark.parametrize(("spread", "seeds"), [(0.0, 3), (0.03, 3), (0.1, 4)])
def test_the_interval_holds_the_true_difference_nineteen_times_of_twenty(spread, seeds):
    random, inside, trials = (
        np.random.default_rng(1),
        0,
        600,
    )  # a coverage of 90 % fails in 99 of 100
    for _ in range(trials):
        problems = random.uniform(0.2, 0.7, 200)
        a = drawn(random, random.normal(0, spread, seeds), problems)
        b = drawn(random, random.normal(0.1, spread, seeds), problems)
        comparison = compare_seeds(a, b)
        inside += comparison.low <= 0.1 <= comparison.high
    assert 0.93 <= inside / trials <= 0.998
