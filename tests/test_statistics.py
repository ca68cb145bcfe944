"""Intervals hold what they promise, and agree with scipy and with published examples."""

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, contingency

from evals.statistics import (
    Difference,
    Interval,
    cluster_bootstrap,
    majority_at_k,
    mcnemar,
    mean_of_clusters,
    newcombe,
    paired,
    paired_rates,
    pass_at_k,
    wilson,
)


@pytest.mark.parametrize(("successes", "n"), [(0, 5), (5, 5), (625, 1319), (32, 64), (1, 1)])
def test_wilson_is_scipys(successes, n):
    bounds = binomtest(successes, n).proportion_ci(method="wilson")
    found = wilson(successes, n)
    assert (found.value, found.n) == (successes / n, n)
    assert (found.low, found.high) == pytest.approx((bounds.low, bounds.high), abs=1e-12)


def test_a_share_of_nothing_is_unknown():
    assert wilson(0, 0) == Interval(None, None, None, 0)
    assert mean_of_clusters(np.array([])) == Interval(None, None, None, 0)
    assert paired(np.array([np.nan]), np.array([1.0])) == Difference(
        None, None, None, None, n=0, fixed=0, broken=0, unknown=1
    )


def test_more_successes_than_trials_are_refused():
    with pytest.raises(ValueError, match="between 0 and n, got 3 of 2"):
        wilson(3, 2)


def test_newcombes_interval_is_that_of_his_paper():
    # 36 right in both, 12 in b only, 2 in a only, 0 in neither (table II, method 10)
    assert newcombe(38, 48, 12, 2, 50) == pytest.approx((0.0569, 0.3404), abs=5e-5)


def test_mcnemar_is_the_exact_binomial_test():
    assert mcnemar(12, 2) == pytest.approx(2 * sum(comb(14, i) for i in range(3)) / 2**14)
    assert mcnemar(0, 0) == 1.0


def test_unknown_verdicts_leave_the_pair_and_are_counted():
    a = np.array([1, 0, 0, np.nan, 1])
    b = np.array([1, 1, np.nan, 1, 0])
    found = paired(a, b)
    assert (found.n, found.fixed, found.broken, found.unknown) == (3, 1, 1, 2)
    assert found.difference == 0


def test_the_sign_says_that_b_is_better():
    found = paired(np.zeros(20), np.ones(20))
    assert found.difference == 1
    assert found.low is not None
    assert found.low > 0.7
    assert found.p == pytest.approx(2 / 2**20)


def test_runs_on_different_numbers_of_problems_are_refused():
    with pytest.raises(ValueError, match="same problems, got 2 and 3"):
        paired(np.zeros(2), np.zeros(3))


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_the_interval_holds_the_difference_and_lies_within_the_possible(pairs):
    a, b = np.array(pairs, dtype=float).T
    found, back = paired(a, b), paired(b, a)
    assert found.low is not None
    assert found.high is not None
    assert found.difference is not None
    assert -1 <= found.low <= found.difference + 1e-12
    assert found.difference - 1e-12 <= found.high <= 1
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))


def coverage(intervals: list[tuple[float, float]], truth: float) -> float:
    return float(np.mean([low <= truth <= high for low, high in intervals]))


@pytest.mark.parametrize(("both", "fixed", "broken"), [(0.4, 0.1, 0.1), (0.3, 0.3, 0.05)])
def test_the_paired_interval_covers_the_truth_95_times_in_100(both, fixed, broken):
    random = np.random.default_rng(0)
    chances = [both, fixed, broken, 1 - both - fixed - broken]
    tables = random.multinomial(150, chances, size=1_500)
    found = [newcombe(r + w, r + f, f, w, 150) for r, f, w, _ in tables.tolist()]
    assert 0.935 <= coverage(found, fixed - broken) <= 0.98


def samples(random: np.random.Generator, problems: int, k: int, shift: float) -> np.ndarray:
    """[problems, k] verdicts; problems differ in difficulty, so samples of one are alike."""
    chance = np.clip(random.beta(0.7, 0.7, size=problems) + shift, 0, 1)
    return (random.random((problems, k)) < chance[:, None]).astype(float)


def test_the_interval_of_several_samples_covers_where_wilson_over_all_of_them_does_not():
    random = np.random.default_rng(1)
    draws = [samples(random, 100, 8, 0) for _ in range(600)]
    clustered = [mean_of_clusters(draw.mean(axis=1)) for draw in draws]
    naive = [wilson(int(draw.sum()), draw.size) for draw in draws]
    assert 0.93 <= coverage([(i.low or 0, i.high or 0) for i in clustered], 0.5) <= 0.97
    assert coverage([(i.low or 0, i.high or 0) for i in naive], 0.5) < 0.75


def test_the_bootstrap_covers_the_truth(monkeypatch):
    monkeypatch.setattr("evals.statistics.DRAWS", 400)
    random = np.random.default_rng(2)
    found = []
    for seed in range(300):
        difficulty = random.beta(0.7, 0.7, size=80)[:, None]
        a = (random.random((80, 4)) < difficulty).mean(axis=1)
        b = (random.random((80, 4)) < difficulty * 0.8).mean(axis=1)
        low, high, _ = cluster_bootstrap(b - a, seed)
        found.append((low, high))
    assert 0.91 <= coverage(found, -0.1) <= 0.98


def test_samples_of_one_problem_do_not_count_as_problems():
    a, b = np.tile([[0.0], [1.0]], (5, 8)), np.tile([[1.0], [1.0]], (5, 8))
    found = paired(a, b)
    assert (found.n, found.fixed, found.broken) == (10, 5, 0)


def test_the_bootstrap_is_the_same_for_the_same_seed():
    random = np.random.default_rng(3)
    a, b = random.random(50), random.random(50)
    assert paired_rates(a, b, seed=1) == paired_rates(a, b, seed=1)
    assert paired_rates(a, b, seed=1).low != paired_rates(a, b, seed=2).low


def test_no_change_at_all_has_no_small_p():
    found = paired_rates(np.full(9, 0.5), np.full(9, 0.5))
    assert (found.difference, found.p) == (0, 1)


@pytest.mark.parametrize("right", range(9))
@pytest.mark.parametrize("k", [1, 3, 8])
def test_pass_at_k_counts_the_draws_that_miss(right, k):
    correct = np.arange(8)[None] < right
    assert pass_at_k(correct, k) == pytest.approx([1 - comb(8 - right, k) / comb(8, k)])


def test_more_draws_than_samples_are_refused():
    with pytest.raises(ValueError, match="pass@5 needs 1 to 4 draws"):
        pass_at_k(np.ones((1, 4), dtype=bool), k=5)


def test_the_majority_decides_and_ties_are_shared():
    answers = [["7", "7", "8"], ["7", "8", None], [None, None, None], ["8", "8", "7"]]
    correct = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 0], [0, 0, 1]], dtype=bool)
    assert majority_at_k(answers, correct).tolist() == [1, 0.5, 0, 0]


def test_newcombe_and_the_unpaired_interval_part_where_verdicts_are_alike():
    """What pairing is for: the same discordance, told apart by how alike the runs are."""
    table = np.array([[600, 60], [40, 300]])
    assert contingency.association(table) > 0.5
    low, high = newcombe(640, 660, 60, 40, 1_000)
    one = wilson(640, 1_000)
    assert one.high is not None
    assert one.low is not None
    assert high - low < one.high - one.low
