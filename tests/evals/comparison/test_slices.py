"""Comparison by slice: every problem is in one slice, and small slices are marked."""

import json

import pytest

from data.errors import UserError
from data.store.store import Store, add
from evals.comparison import compare
from evals.comparison.slices import SLICINGS
from tests.support.store_rows import rows_of, scored
from workbench.cli.commands.evaluation.compare import SLICINGS as NAMED


@pytest.fixture
def two_runs(store: Store) -> Store:
    """Forty problems of one or two steps; run b gets those of two steps right that a gets wrong."""
    ids = [f"p{n:02d}" for n in range(40)]
    problems = rows_of(
        "problems",
        problem_id=ids,
        source=["school" if n < 35 else None for n in range(40)],
        split=["test"] * 40,
        steps=[1 if n < 8 else 2 for n in range(40)],
        question=["?" * (10 + n) for n in range(40)],
        gold=[("7", "-12", "1,200", "x + 1")[n % 4] for n in range(40)],
    )
    add(store, "problems", problems, run="ingest")
    scored(store, "a", {problem_id: n < 8 for n, problem_id in enumerate(ids)})
    scored(store, "b", dict.fromkeys(ids, True))
    return store


def rows(store: Store, by: str) -> dict[str, dict]:
    return {row["value"]: row for row in compare.compare(store, "a", "b", by=[by])["slices"]}


def test_the_command_line_names_every_slicing():
    assert tuple(SLICINGS) == NAMED


def test_a_slice_has_its_difference_and_says_whether_it_is_small(two_runs):
    report = rows(two_runs, "steps")
    assert {
        value: (row["n"], row["small"], row["difference"]) for value, row in report.items()
    } == {
        "1": (8, True, 0.0),
        "2": (32, False, 1.0),
    }
    assert (report["2"]["a"]["value"], report["2"]["b"]["value"], report["2"]["slice"]) == (
        0,
        1,
        "steps",
    )


@pytest.mark.parametrize("by", SLICINGS)
def test_every_problem_is_in_one_slice(two_runs, by):
    assert sum(row["n"] for row in rows(two_runs, by).values()) == 40


def test_slices_come_in_their_own_order_and_the_unknown_last(two_runs):
    assert list(rows(two_runs, "source")) == ["school", "unknown"]
    assert list(rows(two_runs, "gold")) == [
        "below 10",
        "10 to below 100",
        "1,000 and more",
        "not a number",
    ]
    assert list(rows(two_runs, "length")) == [
        "10 to 19 characters",
        "20 to 29 characters",
        "30 to 39 characters",
        "40 to 49 characters",
    ]


def test_questions_of_one_length_stay_together(store):
    ids = ["p1", "p2", "p3"]
    add(store, "problems", rows_of("problems", problem_id=ids, question=["?"] * 3), run="ingest")
    for run in ("a", "b"):
        scored(store, run, dict.fromkeys(ids, True))
    assert [(v, row["n"]) for v, row in rows(store, "length").items()] == [("1 to 1 characters", 3)]


def test_problems_that_the_store_has_lost_are_a_slice_of_their_own(store):
    for run in ("a", "b"):
        scored(store, run, {"p1": True})
    assert [list(rows(store, by)) for by in ("steps", "length", "gold")] == [
        ["unknown"],
        ["unknown"],
        ["not a number"],
    ]


def test_p_is_corrected_over_all_that_is_shown(two_runs):
    alone = compare.compare(two_runs, "a", "b")
    report = compare.compare(two_runs, "a", "b", by=["steps", "split"])
    assert (alone["slices"], len(report["slices"])) == ([], 3)
    shown = [*report["metrics"].values(), *report["slices"]]
    tested = [row for row in shown if row["p"] is not None]
    smallest = min(tested, key=lambda row: row["p"])
    assert smallest["holm"] == pytest.approx(smallest["p"] * len(tested))
    assert alone["metrics"]["answer"]["holm"] < report["metrics"]["answer"]["holm"]
    json.dumps(report, allow_nan=False)


def test_a_slice_without_a_known_verdict_counts_as_wrong_and_says_what_it_could_be(two_runs):
    ids = [f"p{n:02d}" for n in range(40)]
    scored(two_runs, "c", {problem_id: None if n < 8 else True for n, problem_id in enumerate(ids)})
    report = compare.compare(two_runs, "a", "c", by=["steps"])["slices"][0]
    assert [report[name] for name in ("n", "unknown", "p", "holm")][:2] == [8, 8]
    assert report["lowest"] == report["difference"] <= 0 <= report["highest"]


def test_an_unknown_slicing_is_refused(two_runs):
    with pytest.raises(UserError, match="by 'colour'; expected one of steps, source"):
        compare.compare(two_runs, "a", "b", by=["colour"])


def test_the_print_says_which_slices_are_small(say, two_runs):
    code, out, err = say("compare", "a", "b", "--by", "steps", "--by", "split")
    assert (code, err) == (0, "")
    ends = {
        line.split()[1]: "fewer than 30" in line for line in out.splitlines() if "steps:" in line
    }
    assert ends == {"1": True, "2": False}
    assert "detectable (80 %)" in out


def test_a_problem_that_was_converted_twice_counts_once(two_runs):
    again = rows_of("problems", problem_id=["p00"], steps=[1], source=["school"])
    add(two_runs, "problems", again, run="ingest-2")
    assert rows(two_runs, "steps")["1"]["n"] == 8
