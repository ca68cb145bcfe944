"""Metrics by stage with intervals, comparisons on common problems, and regrading."""

import json
from pathlib import Path

import polars as pl
import pytest

from data.errors import UserError
from data.response_format import render
from data.store import runs
from data.store.schema import TABLES
from data.store.store import Store, add, add_generations, ask
from evals.comparison import compare
from evals.comparison.transitions import transitions
from evals.scores import grade
from evals.scores.grade import UnknownRun
from evals.scores.pairs import NothingInCommon
from tests.support.store_rows import scored

GOLDS = {"p1": "7", "p2": "1,200", "p3": "", "p4": "100"}


def problems(store: Store) -> None:
    schema = {name: dtype for name, dtype in TABLES["problems"].items() if name != "run"}
    rows = [
        {"problem_id": problem_id, "question": f"{problem_id}?", "gold": gold}
        for problem_id, gold in GOLDS.items()
    ]
    add(store, "problems", pl.DataFrame(rows, schema=schema), run="ingest")


def answered(store: Store, run: str, stage: str, *answers: tuple, grader: str = "strict") -> None:
    """Store answers (problem, text or rendered answer, label or None) of a run, one sample each."""
    taken: dict[str, int] = {}
    rows = []
    for problem, text, *label in answers:
        sample = taken[problem] = taken.get(problem, -1) + 1
        rows.append(
            {
                "generation_id": f"{problem}:{sample}:{run}:{stage}",
                "run": run,
                "stage": stage,
                "problem_id": problem,
                "sample": sample,
                "text": text,
                "label": label[0] if label else None,
                "gold": GOLDS[problem],
            }
        )
    frame = pl.DataFrame(rows, schema={**TABLES["generations"], "gold": pl.String})
    scores = grade.grade_generations(frame, grader)
    add_generations(store, frame.drop("gold"), scores, run=run, stage=stage)


@pytest.fixture
def two_runs(store: Store) -> Store:
    problems(store)
    answered(store, "base", "base", ("p1", "7"), ("p2", "1,200"), ("p3", "x"), ("p4", "5"))
    right = [render("r", answer) for answer in ("7", "1200", "x + 1", "105")]
    answered(store, "tuned", "sft", *zip(GOLDS, right, strict=True))
    return store


def test_a_stage_has_its_metrics_with_n_and_unknown_apart(two_runs):
    base, tuned = compare.stages(two_runs, ["base", "tuned"])
    assert (base["stage"], base["run"], base["n"], base["unknown"]) == ("base", "base", 4, 1)
    assert [base[metric]["value"] for metric in compare.METRICS] == [0, 0, 0]
    assert [tuned[metric]["n"] for metric in compare.METRICS] == [4, 4, 4]
    assert set(tuned["answer"]) == {"value", "low", "high", "n", "unknown", "if_correct"}


@pytest.mark.parametrize(
    ("answers", "value", "if_correct", "n", "unknown"),
    [
        ({"p1": True, "p2": None, "p3": False, "p4": None}, 0.25, 0.75, 4, 2),
        ({"p1": None, "p2": None}, 0, 1, 2, 2),
        ({"p1": True, "p2": True}, 1, 1, 2, 0),
        ({"p1": [True, None], "p2": [None, None], "p3": [True, False]}, 1 / 3, 5 / 6, 3, 3),
        ({"p1": [True, True, None], "p2": [False]}, 1 / 3, 1 / 2, 2, 1),
        ({"p1": [None, None, None, None], "p2": [True] * 4}, 0.5, 1, 2, 4),
    ],
)
def test_an_unknown_verdict_counts_as_not_correct_and_is_counted_with_what_it_could_be(
    store, answers, value, if_correct, n, unknown
):
    scored(store, "run", answers)
    [row] = compare.stages(store, ["run"])
    answer = row["answer"]
    assert (answer["value"], answer["if_correct"]) == (
        pytest.approx(value),
        pytest.approx(if_correct),
    )
    assert (answer["n"], answer["unknown"], row["unknown"]) == (n, unknown, unknown)
    assert answer["low"] <= answer["value"] <= answer["high"]


def test_an_unknown_verdict_of_the_first_run_does_not_flatter_the_second(store):
    scored(store, "a", {"p1": None, "p2": None, "p3": True, "p4": False})
    scored(store, "b", {"p1": True, "p2": None, "p3": None, "p4": True})
    answer = compare.compare(store, "a", "b")["metrics"]["answer"]
    assert (answer["n"], answer["unknown"], answer["difference"]) == (4, 3, 0.25)
    assert (answer["fixed"], answer["broken"]) == (2, 1)
    assert (answer["if_correct"], answer["lowest"], answer["highest"]) == (0.25, -0.25, 0.75)
    assert (answer["a"]["value"], answer["b"]["value"]) == (0.25, 0.5)
    [step] = transitions(store, ["a", "b"])["steps"]
    assert (step["fixed"], step["broken"], step["unknown"]) == (2, 1, 3)


def test_what_left_an_evaluation_before_it_began_stands_beside_n(store):
    run = "base-eval"
    runs.begin(store, "eval", run=run, config={}, seed=0, inputs={})
    scored(store, run, {"p1": True, "p2": None})
    scored(store, "imported", {"p1": True})
    runs.end(store, run, "done", {"too_long": 3, "bad_gold": 1, "problems": 2})
    rows = compare.stages(store, [run, "imported"])
    assert [(row["n"], row["left_out"]) for row in rows] == [(2, 4), (1, None)]


def test_comparisons_are_paired_and_count_what_is_unknown(two_runs):
    rows = compare.comparisons(two_runs, ["base", "tuned"])
    assert [(row["from"], row["to"], row["metric"], row["n"]) for row in rows] == [
        ("base", "sft", "format", 4),
        ("base", "sft", "answer", 4),
        ("base", "sft", "partial", 4),
    ]
    answer = rows[1]
    assert answer["difference"] == answer["fixed"] / 4 > 0
    assert answer["broken"] == 0
    json.dumps(rows)


def test_compare_takes_the_problems_that_both_answered(two_runs):
    answered(two_runs, "later", "grpo", ("p1", render("r", "8")), ("p4", render("r", "100")))
    report = compare.compare(two_runs, "tuned", "later")
    assert [report[name] for name in ("a", "b", "n", "only_a", "only_b")] == [
        "tuned",
        "later",
        2,
        2,
        0,
    ]
    answer = report["metrics"]["answer"]
    assert (answer["a"]["value"], answer["b"]["value"], answer["difference"]) == (0.5, 0.5, 0)
    assert (answer["fixed"], answer["broken"], answer["p"]) == (1, 1, 1)
    json.dumps(report)


def test_comparing_a_run_with_itself_finds_no_difference(two_runs):
    report = compare.compare(two_runs, "tuned", "tuned")["metrics"]["answer"]
    assert (report["difference"], report["p"], report["fixed"], report["broken"]) == (0, 1, 0, 0)


def test_runs_without_a_common_problem_are_refused_with_what_each_has(two_runs):
    answered(two_runs, "one", "sft", ("p1", "7"))
    answered(two_runs, "other", "sft", ("p2", "7"))
    with pytest.raises(NothingInCommon, match="one answered 1, other answered 1"):
        compare.compare(two_runs, "one", "other")


def test_several_samples_of_a_problem_are_one_problem(two_runs):
    samples = [("p1", render("r", str(n))) for n in (7, 7, 8, 9)]
    samples += [("p4", render("r", str(n))) for n in (100, 1, 2, 3)]
    answered(two_runs, "many", "grpo", *samples)
    (row,) = compare.stages(two_runs, ["many"])
    assert (row["n"], row["answer"]["n"], row["answer"]["value"]) == (2, 2, 0.375)
    assert (row["samples"], row["pass_at_k"]["value"]) == (4, 1)
    report = compare.compare(two_runs, "base", "many")["metrics"]["answer"]
    assert (report["n"], report["fixed"], report["difference"]) == (2, 2, 0.375)


def test_grading_again_by_another_rule_adds_its_verdicts_once(two_runs):
    report = compare.grade_run(two_runs, "base", "lenient")
    assert [report[name] for name in ("run", "grader", "n", "unknown")] == ["base", "lenient", 4, 1]
    assert (report["format"]["value"], report["answer"]["value"]) == (0, 2 / 4)
    assert report["answer"]["if_correct"] == 3 / 4
    assert "agree" not in report
    assert compare.grade_run(two_runs, "base", "lenient") == report
    query = "select grader, count(*) from scores where run = 'base' group by all order by grader"
    assert ask(two_runs, query).rows() == [("lenient", 4), ("strict", 4)]


def test_grading_finds_what_is_ungraded_batch_by_batch(two_runs, monkeypatch):
    monkeypatch.setattr("evals.scores.grade.GENERATIONS_PER_BATCH", 3)
    assert compare.grade_run(two_runs, "tuned", "notebook")["n"] == 4


def test_labels_are_held_against_verdicts_and_disagreements_can_be_read(two_runs):
    rows = [("p1", "7", True), ("p2", "1,200", False), ("p3", "x + 1", True), ("p4", "about 5")]
    answered(two_runs, "labelled", "import", *rows, grader="lenient")
    report = compare.grade_run(two_runs, "labelled", "lenient")
    assert [report[name] for name in ("agree", "disagree", "undecided")] == [1, 1, 1]
    path = Path(report["disagreements"])
    assert path.parent == two_runs.folder / "grades" / "labelled"
    disagreement, undecided = (json.loads(line) for line in path.read_text().splitlines())
    assert [disagreement[name] for name in ("text", "gold", "extracted", "label", "correct")] == [
        "1,200",
        "1,200",
        "1,200",
        False,
        True,
    ]
    assert (undecided["problem_id"], undecided["correct"]) == ("p3", None)
    assert undecided["reason"] == "the problem has no reference answer"


def test_a_generation_whose_problem_is_gone_is_unknown(store):
    answered(store, "orphan", "base", ("p1", "7"))
    assert compare.grade_run(store, "orphan", "lenient")["unknown"] == 1


def test_stages_of_one_run_are_told_apart(two_runs):
    answered(two_runs, "both", "a", ("p1", render("r", "7")))
    answered(two_runs, "both", "b", ("p1", render("r", "8")))
    assert [row["stage"] for row in compare.stages(two_runs, ["both"])] == ["a", "b"]
    with pytest.raises(UserError, match="Name it as one of both/a, both/b"):
        compare.compare(two_runs, "both", "tuned")
    assert compare.compare(two_runs, "both/a", "both/b")["metrics"]["answer"]["broken"] == 1


def test_an_unknown_run_is_refused_with_what_to_do(two_runs):
    with pytest.raises(UnknownRun, match="expected one of base, tuned"):
        compare.grade_run(two_runs, "nothing", "strict")
    with pytest.raises(UnknownRun, match="Grade it first: thinkbench grade --run base"):
        compare.stages(two_runs, ["base"], "notebook")
