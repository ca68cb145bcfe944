"""A run is graded by the reference answers that it brought, where a problem has several."""

import json

import pytest

from data.response_format import render
from data.store import add, add_generations, ask
from data.store.store import Store
from evals.audit.verify import verify
from evals.failures import categorise_missing
from evals.failures.counts import list_failures
from evals.failures.suspect_golds import suspect_golds
from evals.graders import GRADERS
from evals.imports.import_file import import_file
from evals.scores import grade_missing
from evals.scores.labels import compare_with_labels
from tests.support.store_rows import rows_of

SAMPLES = 4


def answered(store: Store, run: str, gold: str | None, label: bool = True) -> None:
    """A run in which each of the samples answers 7 to the problem p, with its own gold if any."""
    if gold is not None:
        rows = rows_of("problems", problem_id=["p"], source=[run], split=["test"],
                       question=[f"What has {run}?"], gold=[gold])  # fmt: skip
        add(store, "problems", rows, run=run)
    ids = [f"{run}-{n}" for n in range(SAMPLES)]
    common = {"generation_id": ids, "problem_id": ["p"] * SAMPLES, "sample": list(range(SAMPLES))}
    texts = rows_of("generations", **common, text=[render("3 + 4", "7")] * SAMPLES,
                    label=[label] * SAMPLES)  # fmt: skip
    scores = rows_of(
        "scores", **common, grader=["strict"] * SAMPLES, grader_version=["0"] * SAMPLES
    )
    add_generations(store, texts, scores, run=run, stage="import")


@pytest.fixture
def two_golds(store: Store) -> Store:
    """An older store: two imports at once gave the id p to two problems."""
    answered(store, "a", "8", label=False)
    answered(store, "b", "7")
    return store


def verdicts(store: Store, run: str, grader: str) -> set[bool | None]:
    grade_missing(store, run, grader)
    query = """
        select distinct correct from current_scores
        where run = $run and grader = $grader and grader_version = $version
    """
    values = {"run": run, "grader": grader, "version": GRADERS[grader].version}
    return set(ask(store, query, **values)["correct"])


@pytest.mark.parametrize("grader", list(GRADERS))
def test_each_run_is_graded_by_its_own_gold(two_golds, grader):
    assert verdicts(two_golds, "a", grader) == {False}
    assert verdicts(two_golds, "b", grader) == {True}


def test_failures_labels_and_verification_read_the_same_gold(two_golds):
    for run in ("a", "b"):
        categorise_missing(two_golds, run)
        grade_missing(two_golds, run, "strict")
        labels = compare_with_labels(two_golds, run, "lenient")
        assert (labels["agree"], labels["disagree"]) == (SAMPLES, 0)
        assert verify(two_golds, run)["verified"]
    assert suspect_golds(two_golds, "a").rows() == [("import", "p")]
    assert suspect_golds(two_golds, "b").is_empty()
    [*rows] = list_failures(two_golds, "a", "gold suspect", 9)["rows"]
    assert {(row["question"], row["gold"]) for row in rows} == {("What has a?", "8")}


@pytest.mark.parametrize("gold", ["7", "8"])
def test_an_import_of_one_of_both_problems_brings_its_own(two_golds, tmp_path, gold):
    question = {"7": "What has b?", "8": "What has a?"}[gold]
    row = {"problem_id": "p", "question": question, "gold": gold, "text": "The answer is 7"}
    (tmp_path / "c.jsonl").write_text(json.dumps(row))
    import_file(two_golds, tmp_path / "c.jsonl", "c")
    brought = ask(two_golds, "select problem_id, gold from imported_problems where run = 'c'")
    assert brought.rows() == [("p", gold)]
    for grader in ("lenient", "math"):
        assert verdicts(two_golds, "c", grader) == {gold == "7"}
    assert verdicts(two_golds, "a", "strict") == {False}


def test_each_import_stores_its_problem_under_the_one_id(store, tmp_path):
    row = {"problem_id": "p", "question": "3 + 4?", "gold": "7", "text": "7"}
    (tmp_path / "c.jsonl").write_text(json.dumps(row))
    for name in ("c", "d"):
        import_file(store, tmp_path / "c.jsonl", name)
    query = "select run, problem_id from imported_problems order by run"
    assert ask(store, query).rows() == [("c", "p"), ("d", "p")]
    assert verdicts(store, "d", "lenient") == {True}


def test_a_run_without_problems_of_its_own_is_graded_by_those_of_a_record(two_golds):
    rows = rows_of("problems", problem_id=["p"], record_id=["r"], source=["z"], split=["test"],
                   question=["What has z?"], gold=["7"])  # fmt: skip
    add(two_golds, "problems", rows, run="convert-z")
    answered(two_golds, "e", None)
    assert verdicts(two_golds, "e", "strict") == {True}
    assert verdicts(two_golds, "a", "strict") == {False}


def test_an_answered_problem_that_the_store_lacks_is_unknown(store):
    answered(store, "e", None)
    assert verdicts(store, "e", "strict") == {None}
