"""Several samples of a problem: pass@k, the majority, and the fields of a stage."""

from math import comb

import numpy as np
import polars as pl
import pytest

from evals.statistics.pass_at_k import majority_at_k, of_samples, pass_at_k, powers


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
    assert [powers(k) for k in (1, 2, 6, 8)] == [[1], [1, 2], [1, 2, 4, 6], [1, 2, 4, 8]]


def scores(**said: list[tuple[str | None, bool | None]]) -> pl.DataFrame:
    rows = [
        {"problem_id": problem, "stage": "grpo", "extracted": text, "answer": right}
        for problem, samples in said.items()
        for text, right in samples
    ]
    schema = {"problem_id": pl.String, "stage": pl.String, "extracted": pl.String}
    return pl.DataFrame(rows, schema={**schema, "answer": pl.Boolean})


def test_answers_that_are_the_same_number_vote_together():
    found = of_samples(scores(
        one=[("1,200", True), ("$1200.00", True), ("8", False), ("9", False)],
        two=[("the moon", False), ("the moon", False), ("7", True), (None, False)],
    ))  # fmt: skip
    assert (found["samples"], found["undecided"]) == (4, 0)
    assert (found["avg_at_k"]["value"], found["avg_at_k"]["n"]) == (0.375, 2)
    assert found["maj_at_k"]["value"] == 0.5
    passed = {k: row["value"] for k, row in found["pass_at"].items()}
    assert passed == pytest.approx({"1": 0.375, "2": (5 / 6 + 3 / 6) / 2, "4": 1})
    assert found["pass_at_k"] == found["pass_at"]["4"]


def test_a_problem_with_an_unknown_verdict_is_counted_and_left_out():
    found = of_samples(scores(one=[("6 or 7", None), ("7", True)], two=[("7", True), ("8", False)]))
    assert found["undecided"] == 1
    assert (found["avg_at_k"]["value"], found["avg_at_k"]["n"]) == (0.5, 1)


def test_where_no_problem_is_decided_all_is_unknown():
    found = of_samples(scores(one=[("6 or 7", None), ("7", True)]))
    assert [found[name]["value"] for name in ("avg_at_k", "pass_at_k", "maj_at_k")] == [None] * 3


def test_single_samples_and_mixed_numbers_of_samples_have_no_such_fields():
    assert of_samples(scores(one=[("7", True)])) == {}
    assert of_samples(scores(one=[("7", True)], two=[("7", True), ("8", False)])) == {}
