"""Failures in the store, people's verdicts, and the verification of all of it."""

import json

import polars as pl
import pytest

from data.errors import UserError
from data.store import annotations
from data.store.store import add, ask
from evals.audit.verify import verify
from evals.comparison.compare import grade_run
from evals.comparison.metrics import interval
from evals.failures import counts as failures
from evals.graders.rules import GRADERS
from evals.imports.import_file import import_file
from evals.scores import overrides
from evals.scores.read import scores_of
from tests.evals.failures.test_categories import GOLD, PLANTED, QUESTION, answering


@pytest.fixture
def theirs(store, tmp_path):
    rows = [
        {"problem_id": name, "question": f"{name}: {QUESTION}", "gold": GOLD, "text": text}
        for name, (text, _) in PLANTED.items()
    ]
    doubted = {"problem_id": "doubt", "question": "2 + 2?", "gold": "5", "text": answering("4")}
    rows += [doubted | {"sample": n} for n in range(4)]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    import_file(store, path, "theirs")
    grade_run(store, "theirs", "strict")
    return store


def test_an_import_has_its_categories_and_they_are_counted_with_intervals(theirs):
    [stage] = failures.failure_counts(theirs, "theirs")["stages"]
    assert stage["n"] == len(PLANTED) + 4
    suspect = stage["categories"]["gold suspect"]
    assert (suspect["value"], suspect["n"]) == (4 / stage["n"], stage["n"])
    for name in ("near miss", "no format"):
        planted = sum(name in expected for _, expected in PLANTED.values())
        assert stage["categories"][name]["value"] == pytest.approx(planted / stage["n"])


def test_categories_are_added_once(theirs):
    assert failures.categorise_missing(theirs, "theirs") == 0


def test_a_category_is_listed_with_its_evidence(theirs):
    found = failures.list_failures(theirs, "theirs", "arithmetic slip", 10)
    assert [row["problem_id"] for row in found["rows"]] == ["slip"]
    assert [one["text"] for one in found["rows"][0]["evidence"]] == ["12 * 5 = 58"]
    with pytest.raises(UserError, match="expected one of empty, truncated"):
        failures.list_failures(theirs, "theirs", "bad luck", 10)


def verdict(store, problem: str) -> bool | None:
    return scores_of(store, "theirs", "strict").filter(problem_id=problem)["answer"].item()


def generation(store, problem: str) -> str:
    found = ask(store, "select generation_id from generations where problem_id = $p", p=problem)
    return found["generation_id"].item()


@pytest.mark.parametrize(("said", "counts"), [("right", True), ("wrong", False), ("unknown", None)])
def test_a_persons_verdict_counts_and_the_graders_stays(theirs, said, counts):
    id = generation(theirs, "near")
    assert verdict(theirs, "near") is False
    overrides.override(theirs, id, "strict", said, "I read it", "ana")
    assert verdict(theirs, "near") is counts
    stored = ask(
        theirs,
        "select correct from scores where generation_id = $id and grader = 'strict'",
        id=id,
    )
    assert stored["correct"].item() is False
    overrides.override(theirs, id, "strict", "as graded", "I misread it", "ben")
    assert verdict(theirs, "near") is False
    told = ask(theirs, "select verdict, author from override_events")
    assert told.rows() == [(said, "ana"), ("as graded", "ben")]


def test_an_override_of_nothing_or_without_a_reason_is_refused(theirs):
    with pytest.raises(UserError, match="no generations"):
        overrides.override(theirs, "nowhere", "strict", "right", "because", "ana")
    with pytest.raises(annotations.BadEntry, match="reason is empty"):
        overrides.override(theirs, generation(theirs, "near"), "strict", "right", " ", "ana")


def test_what_is_stored_is_verified_from_the_texts(theirs):
    found = verify(theirs)
    n = len(PLANTED) + 4
    assert (found["verified"], found["generations"], found["scores"]) == (True, n, 2 * n)
    assert all(row["same"] for run in found["runs"] for row in run["metrics"])


def test_a_shown_metric_is_verified_with_what_people_say_of_it(theirs):
    before = interval(scores_of(theirs, "theirs", "strict"), "answer").value or 0.0
    id = generation(theirs, "near")
    overrides.override(theirs, id, "strict", "right", "I read it", "ana")
    found = verify(theirs)
    assert found["verified"]
    [metric] = [
        row["again"]
        for row in found["runs"][0]["metrics"]
        if (row["grader"], row["metric"]) == ("strict", "answer")
    ]
    problems = len(PLANTED) + 1
    assert metric["value"] == pytest.approx(before + 1 / problems)


def test_all_runs_are_restated_under_a_grader(theirs, say, tmp_path):
    import_file(theirs, tmp_path / "rows.jsonl", "again")
    code, out, _ = say("grade", "--grader", "math", "--json")
    value = json.loads(out)
    assert (code, value["grader"]) == (0, "math")
    n = len(PLANTED) + 4
    assert [(run["run"], run["n"]) for run in value["runs"]] == [("again", n), ("theirs", n)]
    verdicts = ask(theirs, "select count(*) as n from scores where grader = 'math'")
    assert verdicts["n"].item() == 2 * n


def test_a_score_that_another_text_would_have_is_found(theirs, monkeypatch):
    loose = GRADERS["lenient"].grade
    monkeypatch.setitem(
        GRADERS, "strict", GRADERS["strict"].__class__("strict", GRADERS["strict"].version, loose)
    )
    found = verify(theirs, "theirs")
    assert not found["verified"]
    [run] = found["runs"]
    assert run["by_what"]["strict correct"] > 0
    one = next(row for row in run["differences"] if row["what"] == "strict correct")
    assert (one["stored"], one["again"]) == (False, True)
    assert not all(row["same"] for row in run["metrics"])


def test_scores_twice_scores_without_text_and_old_ones_are_counted(theirs):
    every = ask(theirs, "select * from scores where grader = 'strict'")
    add(theirs, "scores", every.head(1), run="theirs", stage="import", once="again")
    lost = every.head(1).with_columns(generation_id=pl.lit("nowhere"))
    add(theirs, "scores", lost, run="theirs", stage="import", once="lost")
    old = every.with_columns(grader_version=pl.lit("0"))
    add(theirs, "scores", old, run="theirs", stage="import", once="old")
    found = verify(theirs)
    assert (found["twice"], found["without_text"], found["old"]) == (1, 1, every.height)
    assert not found["verified"]


def test_the_verbs_say_it_and_leave_with_1_where_something_differs(theirs, say, monkeypatch):
    monkeypatch.setenv("THINKBENCH_STORE", str(theirs.folder))
    code, out, _ = say("failures", "--run", "theirs")
    assert (code, "near miss" in out) == (0, True)
    code, out, _ = say("failures", "--run", "theirs", "--category", "near miss", "--json")
    found = json.loads(out)
    assert (code, found["n"]) == (0, sum("near miss" in said for _, said in PLANTED.values()))
    said = ("--verdict", "right", "--reason", "I read it", "--author", "ana")
    assert say("override", found["rows"][0]["generation_id"], *said)[0] == 0
    assert say("verify")[0] == 0
    every = ask(theirs, "select * from scores where grader = 'strict'")
    add(theirs, "scores", every.head(1), run="theirs", stage="import", once="again")
    code, out, _ = say("verify", "--json")
    assert (code, json.loads(out)["verified"]) == (1, False)
    assert say("failures", "--run", "nobody")[0] == 2
