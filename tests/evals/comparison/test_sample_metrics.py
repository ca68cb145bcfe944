"""The metrics of a stage whose problems have several samples."""

from collections.abc import Sequence

import polars as pl
import pytest

from evals.comparison.sample_metrics import sample_metrics


def scores(**problems: Sequence[tuple[str | None, bool | None]]) -> pl.DataFrame:
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


def test_a_problem_with_an_unknown_verdict_stays_and_its_sample_is_not_correct():
    metrics = sample_metrics(
        scores(one=[("6 or 7", None), ("7", True)], two=[("7", True), ("8", False)])
    )
    assert (metrics["undecided"], metrics["missing"]) == (1, 0)
    average = metrics["avg_at_k"]
    assert (average["value"], average["if_correct"], average["n"]) == (0.5, 0.75, 2)
    assert metrics["pass_at_k"]["value"] == metrics["pass_at_k"]["if_correct"] == 1
    assert (metrics["maj_at_k"]["value"], metrics["maj_at_k"]["if_correct"]) == (0.5, 0.75)


@pytest.mark.parametrize("verdict", [None, False])
def test_unknown_and_wrong_samples_give_the_same_headline(verdict):
    metrics = sample_metrics(scores(one=[("6 or 7", verdict), ("7", True), ("8", verdict)]))
    assert metrics["avg_at_k"]["value"] == pytest.approx(1 / 3)
    assert metrics["pass_at"]["2"]["value"] == pytest.approx(2 / 3)
    assert metrics["avg_at_k"]["if_correct"] == pytest.approx(1 / 3 if verdict is False else 1)


def test_where_no_verdict_is_known_nothing_is_correct():
    metrics = sample_metrics(scores(one=[("6 or 7", None), ("5 or 7", None)]))
    assert [metrics[name]["value"] for name in ("avg_at_k", "pass_at_k", "maj_at_k")] == [0] * 3
    assert [metrics[name]["if_correct"] for name in ("avg_at_k", "pass_at_k")] == [1] * 2


def test_a_problem_that_lacks_a_sample_takes_no_metric_away():
    full = [("7", True), ("7", True), ("8", False), ("7", True)]
    metrics = sample_metrics(scores(one=full, two=full, three=full[:3]))
    assert (metrics["samples"], metrics["missing"], metrics["undecided"]) == (4, 1, 1)
    assert metrics["avg_at_k"]["value"] == pytest.approx((0.75 + 0.75 + 0.5) / 3)
    assert metrics["avg_at_k"]["if_correct"] == pytest.approx(0.75)
    assert set(metrics["pass_at"]) == {"1", "2", "4"}


def test_of_a_problem_with_more_samples_than_most_the_first_count():
    few = [("7", True), ("8", False)]
    metrics = sample_metrics(scores(one=few, two=few, three=[("8", False)] * 2 + [("7", True)]))
    assert (metrics["samples"], metrics["missing"]) == (2, 0)
    assert metrics["avg_at_k"]["value"] == pytest.approx(1 / 3)


def test_single_samples_have_no_such_fields():
    assert sample_metrics(scores(one=[("7", True)])) == {}
    mostly = {f"p{n}": [("7", True)] for n in range(3)}
    assert sample_metrics(scores(**mostly, two=[("7", True), ("8", False)])) == {}
