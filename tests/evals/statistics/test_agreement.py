"""Agreement of two raters: known values, clusters, edges, and how often the intervals hold."""

from typing import Any

import numpy as np
import pytest

from evals.statistics.agreement import kappa, share_of_clusters
from evals.statistics.intervals import wilson


def tables(*rows: list[list[int]]) -> np.ndarray:
    return np.array(rows)


def test_kappa_is_that_of_the_textbook():
    # Cohen 1960, as in Fleiss, Levin and Paik 2003, section 18.1: 0.4 for this table
    value = kappa(tables([[20, 5], [10, 15]]))
    assert value.value == pytest.approx(0.4)
    assert value.n == 50


@pytest.mark.parametrize(
    ("table", "value"),
    [
        ([[25, 0], [0, 25]], 1.0),
        ([[0, 25], [25, 0]], -1.0),
        ([[10, 10], [10, 10]], 0.0),
        ([[50, 0], [0, 0]], None),  # by chance alone they agree always
        ([[0, 0], [0, 0]], None),
    ],
)
def test_kappa_at_its_edges(table, value):
    result = kappa(np.array([table]))
    assert result.value == (None if value is None else pytest.approx(value))
    if value is not None:
        assert result.low <= value <= result.high


def test_raters_who_always_agree_are_not_certain_to():
    ten = np.array([[[1, 0], [0, 0]]] * 5 + [[[0, 0], [0, 1]]] * 5)
    assert kappa(ten).value == 1
    assert kappa(ten).low == pytest.approx(2 * (wilson(10, 10).low or 0) - 1)


def test_rows_of_one_problem_count_as_one_where_they_are_alike():
    alone = share_of_clusters(np.array([1] * 8 + [0] * 2), np.ones(10, int))
    fourfold = share_of_clusters(np.array([4] * 8 + [0] * 2), np.full(10, 4))
    assert (alone.value, fourfold.value) == (0.8, 0.8)
    assert (alone.n, fourfold.n) == (10, 40)
    assert (fourfold.low, fourfold.high) == (alone.low, alone.high)
    assert share_of_clusters(np.zeros(3, int), np.zeros(3, int)).value is None


def holds_in(interval: Any, value: float) -> bool:
    return interval.low <= value <= interval.high


def test_the_intervals_hold_nineteen_times_of_twenty():
    """Four samples of each of 60 problems, alike within a problem; 400 draws, both numbers."""
    random = np.random.default_rng(0)
    holds = {"share": 0, "kappa": 0}
    draws, problems, samples = 400, 60, 4
    # both say "correct" of half of all rows: kappa is 2 * agreement - 1 in the long run
    truth = 0.8
    for _ in range(draws):
        rate = random.beta(4 * truth, 4 * (1 - truth), problems)
        agree = random.random((problems, samples)) < rate[:, None]
        label = random.random((problems, samples)) < 0.5
        verdict = np.where(agree, label, ~label)
        counts = np.zeros((problems, 2, 2), int)
        rows = np.repeat(np.arange(problems), samples)
        np.add.at(counts, (rows, label.ravel().astype(int), verdict.ravel().astype(int)), 1)
        share = share_of_clusters(agree.sum(axis=1), np.full(problems, samples))
        both = kappa(counts)
        holds["share"] += holds_in(share, truth)
        holds["kappa"] += holds_in(both, 2 * truth - 1)
    assert all(0.92 <= n / draws <= 0.99 for n in holds.values()), holds
