"""Failure categories in the store, overrides by people, and the verification of both."""

import json

import polars as pl
import pytest

from data.errors import UserError
from data.store import annotations, runs
from data.store.store import add, add_generations, ask
from evals.audit.verify import verify
from evals.comparison.compare import compare, grade_run
from evals.comparison.metrics import interval
from evals.comparison.transitions import transitions
from evals.failures import counts as failures
from evals.failures.categories import CATEGORIES
from evals.graders.rules import GRADERS
from evals.imports.import_file import import_file
from evals.scores import overrides
from evals.scores.grade import grade_generations
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
    for name in ("near miss", "no final answer", "uncategorised"):
        planted = sum(name in expected for _, expected in PLANTED.values())
        assert stage["categories"][name]["value"] == pytest.approx(planted / stage["n"])


def test_categories_are_added_once(theirs):
    assert failures.categorise_missing(theirs, "theirs") == 0


def imported(store, tmp_path, run, rows):
    path = tmp_path / f"{run}.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    import_file(store, path, run)


def suspects(store, run):
    return [row["sample"] for row in failures.list_failures(store, run, "gold suspect", 99)["rows"]]


@pytest.mark.parametrize("goes", [[4], [2, 2], [1, 3], [3, 1], [1, 1, 1, 1]])
def test_a_gold_is_suspect_however_its_samples_came_in(store, tmp_path, goes):
    row = {"problem_id": "doubt", "question": "2 + 2?", "gold": "5", "text": answering("4")}
    imported(store, tmp_path, "run", [row | {"sample": n} for n in range(4)])
    generations = ask(store, "select *, '5' as gold from generations order by sample")
    again = add_generations_in_goes(store, generations, goes)
    assert suspects(store, again) == suspects(store, "run") == [0, 1, 2, 3]
    assert verify(store, again)["differ"] == 0


def add_generations_in_goes(store, generations, goes):
    first = 0
    for n in goes:
        part = generations[first : first + n].with_columns(
            pl.format("{}-again", "generation_id").alias("generation_id")
        )
        scores = grade_generations(part, "strict").drop("run", "stage")
        texts = part.drop("run", "stage", "gold")
        add_generations(store, texts, scores, run="again", stage="x")
        failures.categorise_missing(store, "again")
        first += n
    return "again"


def test_a_suspicion_ends_with_a_sample_that_agrees_with_the_gold(store, tmp_path):
    row = {"problem_id": "doubt", "question": "2 + 2?", "gold": "5"}
    texts = [answering("4")] * 4 + [answering("5")]
    for n in (4, 5):
        run = f"run{n}"
        rows = [row | {"sample": nth, "text": text} for nth, text in enumerate(texts[:n])]
        imported(store, tmp_path, run, rows)
        failures.categorise_missing(store, run)
        assert bool(suspects(store, run)) == (n == 4)


def test_verify_finds_a_suspicion_that_the_stored_verdicts_do_not_have(theirs, monkeypatch):
    failures.categorise_missing(theirs, "theirs")
    assert verify(theirs)["differ"] == 0
    nobody = pl.DataFrame(schema={"stage": pl.String, "problem_id": pl.String})
    monkeypatch.setattr("evals.audit.verify.suspect_golds", lambda store, run: nobody)
    [run] = verify(theirs)["runs"]
    assert run["by_what"] == {"gold suspect": 1}
    [one] = run["differences"]
    assert (one["stored"], one["again"]) == (False, True)


def test_a_correct_row_has_no_error(theirs):
    for name in CATEGORIES:
        rows = failures.list_failures(theirs, "theirs", name, 99)["rows"]
        problems = {row["problem_id"] for row in rows}
        assert not problems & {"right", "contradiction", "loop"}, name
        if name != "right only under lenient":
            assert not problems & {"only prose", "text around"}, name


def test_a_person_who_says_right_takes_the_errors_away(theirs):
    before = failures.list_failures(theirs, "theirs", "near miss", 99)["n"]
    [id] = scores_ids(theirs, "near")
    overrides.override(theirs, id, "strict", "right", "the same", "ann")
    assert failures.list_failures(theirs, "theirs", "near miss", 99)["n"] == before - 1


def scores_ids(store, problem):
    query = "select distinct generation_id from scores where problem_id = $problem"
    return ask(store, query, problem=problem)["generation_id"].to_list()


def test_each_category_is_counted_with_its_meaning(theirs):
    [stage] = failures.failure_counts(theirs, "theirs")["stages"]
    assert stage["categories"]["uncategorised"]["means"] == CATEGORIES["uncategorised"]


def test_a_category_is_listed_with_its_evidence(theirs):
    report = failures.list_failures(theirs, "theirs", "arithmetic slip", 10)
    assert [row["problem_id"] for row in report["rows"]] == ["slip"]
    assert [one["text"] for one in report["rows"][0]["evidence"]] == ["12 * 5 = 58"]
    with pytest.raises(UserError, match="expected one of empty, unfinished thought"):
        failures.list_failures(theirs, "theirs", "bad luck", 10)


def verdict_of(store, problem: str) -> bool | None:
    return scores_of(store, "theirs", "strict").filter(problem_id=problem)["answer"].item()


def generation(store, problem: str) -> str:
    report = ask(store, "select generation_id from generations where problem_id = $p", p=problem)
    return report["generation_id"].item()


@pytest.mark.parametrize(
    ("verdict", "counts"), [("right", True), ("wrong", False), ("unknown", None)]
)
def test_a_persons_verdict_counts_and_the_graders_stays(theirs, verdict, counts):
    near = generation(theirs, "near")
    assert verdict_of(theirs, "near") is False
    overrides.override(theirs, near, "strict", verdict, "I read it", "ana")
    assert verdict_of(theirs, "near") is counts
    stored = ask(
        theirs,
        "select correct from scores where generation_id = $id and grader = 'strict'",
        id=near,
    )
    assert stored["correct"].item() is False
    overrides.override(theirs, near, "strict", "as graded", "I misread it", "ben")
    assert verdict_of(theirs, "near") is False
    events = ask(theirs, "select verdict, author from override_events")
    assert events.rows() == [(verdict, "ana"), ("as graded", "ben")]


def test_an_override_of_nothing_or_without_a_reason_is_refused(theirs):
    with pytest.raises(UserError, match="no generations"):
        overrides.override(theirs, "nowhere", "strict", "right", "because", "ana")
    with pytest.raises(annotations.BadEntry, match="reason is empty"):
        overrides.override(theirs, generation(theirs, "near"), "strict", "right", " ", "ana")


def test_what_is_stored_is_verified_from_the_texts(theirs):
    report = verify(theirs)
    n = len(PLANTED) + 4
    assert (report["verified"], report["generations"], report["scores"]) == (True, n, 2 * n)
    assert all(row["same"] for run in report["runs"] for row in run["metrics"])


def test_a_shown_metric_is_verified_with_what_people_say_of_it(theirs):
    before = interval(scores_of(theirs, "theirs", "strict"), "answer").value or 0.0
    near = generation(theirs, "near")
    overrides.override(theirs, near, "strict", "right", "I read it", "ana")
    report = verify(theirs)
    assert report["verified"]
    [metric] = [
        row["again"]
        for row in report["runs"][0]["metrics"]
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
    report = verify(theirs, "theirs")
    assert not report["verified"]
    [run] = report["runs"]
    assert run["by_what"]["strict correct"] > 0
    one = next(row for row in run["differences"] if row["what"] == "strict correct")
    assert (one["stored"], one["again"]) == (False, True)
    assert not all(row["same"] for row in run["metrics"])


def test_scores_twice_scores_without_text_and_old_ones_are_counted(theirs):
    scores = ask(theirs, "select * from scores where grader = 'strict'")
    add(theirs, "scores", scores.head(1), run="theirs", stage="import", once="again")
    lost = scores.head(1).with_columns(generation_id=pl.lit("nowhere"))
    add(theirs, "scores", lost, run="theirs", stage="import", once="lost")
    old = scores.with_columns(grader_version=pl.lit("0"))
    add(theirs, "scores", old, run="theirs", stage="import", once="old")
    report = verify(theirs)
    assert (report["twice"], report["without_text"], report["old"]) == (1, 1, scores.height)
    assert not report["verified"]


def test_the_verbs_say_it_and_leave_with_1_where_something_differs(theirs, say, monkeypatch):
    monkeypatch.setenv("THINKBENCH_STORE", str(theirs.folder))
    code, out, _ = say("failures", "--run", "theirs")
    assert (code, "near miss" in out) == (0, True)
    code, out, _ = say("failures", "--run", "theirs", "--category", "near miss", "--json")
    report = json.loads(out)
    assert (code, report["n"]) == (0, sum("near miss" in names for _, names in PLANTED.values()))
    options = ("--verdict", "right", "--reason", "I read it", "--author", "ana")
    assert say("override", report["rows"][0]["generation_id"], *options)[0] == 0
    assert say("verify")[0] == 0
    scores = ask(theirs, "select * from scores where grader = 'strict'")
    other = scores.head(1).with_columns(correct=~pl.col("correct"))
    add(theirs, "scores", other, run="theirs", stage="import", once="again")
    code, out, _ = say("verify", "--json")
    assert (code, json.loads(out)["verified"]) == (1, False)
    assert say("failures", "--run", "nobody")[0] == 2


def test_of_one_grader_the_answers_that_it_alone_calls_wrong_have_errors(store, tmp_path):
    boxed = {"problem_id": "p", "question": "3 + 4?", "gold": "7", "text": r"So \boxed{7}."}
    imported(store, tmp_path, "r", [boxed])
    failures.categorise_missing(store, "r")
    grade_run(store, "r", "strict")
    named = {
        grader: list(failures.failure_counts(store, "r", grader)["stages"][0]["categories"])
        for grader in (None, "lenient", "strict")
    }
    assert named[None] == named["lenient"]
    assert set(named["strict"]) > set(named["lenient"])
    [category] = set(named["strict"]) - set(named["lenient"])
    listed = [failures.list_failures(store, "r", category, 9, of)["n"] for of in (None, "strict")]
    assert listed == [0, 1]


def test_a_question_about_a_deleted_run_says_how_it_comes_back(store, tmp_path):
    row = {"problem_id": "p", "question": "3 + 4?", "gold": "7", "text": "7"}
    for run in "ab":
        imported(store, tmp_path, run, [row])
        grade_run(store, run, "strict")
    runs.delete(store, "a")
    questions = [
        lambda: compare(store, "a", "b", "strict"), lambda: verify(store, "a"),
        lambda: failures.failure_counts(store, "a"), lambda: grade_run(store, "a", "strict"),
        lambda: transitions(store, ["a", "b"], "strict"),
    ]  # fmt: skip
    for question in questions:
        with pytest.raises(UserError, match=r"run 'a' was deleted. .* thinkbench store restore a"):
            question()
    runs.restore(store, "a")
    assert compare(store, "a", "b", "strict")["n"] == 1
