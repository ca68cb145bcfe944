"""The metrics of a stage whose problems have several samples."""

import polars as pl
import pytest

from evals.comparison.sample_metrics import sample_metrics


def scores(**problems: list[tuple[str | None, bool | None]]) -> pl.DataFrame:
    rows = [
        {"problem_id": problem, "stage": "grpo", "extracted": text, "answer": right}
        for problem, samples in problems.items()
        for text, right in samples
    ]
    schema = {"problem_id": pl.String, "stage": pl.String, "extracted": pl.String}
    return pl.DataFrame(rows, schema={**schema, "answer": pl.Boolean})


def test_answers_that_are_the_same_number_vote_together():
    metrics = sample_metrics(scores(
        one=[("1,200", True), ("$1200.00", True), ("8", False), ("9", False)],
        two=[("the moon", False), ("the moon", False), ("7", True), (None, False)],
    ))  # fmt: skip
    assert (metrics["samples"], metrics["undecided"]) == (4, 0)
    assert (metrics["avg_at_k"]["value"], metrics["avg_at_k"]["n"]) == (0.375, 2)
    assert metrics["maj_at_k"]["value"] == 0.5
    passed = {k: row["value"] for k, row in metrics["pass_at"].items()}
    assert passed == pytest.approx({"1": 0.375, "2": (5 / 6 + 3 / 6) / 2, "4": 1})
    assert metrics["pass_at_k"] == metrics["pass_at"]["4"]


def test_a_problem_with_an_unknown_verdict_is_counted_and_left_out():
    metrics = sample_metrics(
        scores(one=[("6 or 7", None), ("7", True)], two=[("7", True), ("8", False)])
    )
    assert metrics["undecided"] == 1
    assert (metrics["avg_at_k"]["value"], metrics["avg_at_k"]["n"]) == (0.5, 1)


def test_where_no_problem_is_decided_all_is_unknown():
    metrics = sample_metrics(scores(one=[("6 or 7", None), ("7", True)]))
    assert [metrics[name]["value"] for name in ("avg_at_k", "pass_at_k", "maj_at_k")] == [None] * 3


def test_single_samples_and_mixed_numbers_of_samples_have_no_such_fields():
    assert sample_metrics(scores(one=[("7", True)])) == {}
    assert sample_metrics(scores(one=[("7", True)], two=[("7", True), ("8", False)])) == {}
