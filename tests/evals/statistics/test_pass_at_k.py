"""pass@k against its definition, and the vote of the majority."""

from math import comb

import numpy as np
import pytest

from evals.statistics.pass_at_k import majority_at_k, pass_at_k, powers_of_two


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


def test_samples_that_say_the_same_are_right_by_their_share():
    # a grader may call "7" right and "7.0" wrong; both are one answer
    assert majority_at_k([["7", "7", "8"]], np.array([[True, False, True]])).tolist() == [0.5]


def test_draws_double_and_end_with_all():
    assert [powers_of_two(k) for k in (1, 2, 6, 8)] == [[1], [1, 2], [1, 2, 4, 6], [1, 2, 4, 8]]
