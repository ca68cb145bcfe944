"""Causes of a gain: one for each problem that changed, and they add up to the difference."""

import json

import pytest
from hypothesis import HealthCheck, given, settings, strategies as some

from data.store.store import open_store
from evals.comparison import compare
from tests.support.store_rows import scored

VERDICT = some.sampled_from([True, False, None])
FINISH = some.sampled_from(["stop", "length", None])
SIDE = some.tuples(VERDICT, VERDICT, FINISH)  # by strict, by lenient, why the text ended


def compared(store, **problems: tuple[tuple, tuple]) -> dict:
    """problem -> the side before and the side after."""
    for side, run in enumerate(("a", "b")):
        sides = {problem: both[side] for problem, both in problems.items()}
        for column, grader in enumerate(("strict", "lenient")):
            verdicts = {problem: side[column] for problem, side in sides.items()}
            finish = {problem: side[2] for problem, side in sides.items()}
            scored(store, run, verdicts, grader=grader, finish=finish)
    return compare.compare(store, "a", "b")


GOOD, BAD = (True, True, "stop"), (False, False, "stop")


def test_each_cause_is_told_apart(store):
    report = compared(
        store,
        tags=((False, True, "stop"), GOOD),
        cut_with_the_answer=((False, True, "length"), GOOD),
        cut=((False, False, "length"), GOOD),
        answer=(BAD, GOOD),
        unsure=((False, None, "stop"), GOOD),
        tags_lost=(GOOD, (False, True, "stop")),
        cut_now=(GOOD, (False, False, "length")),
        answer_lost=(GOOD, BAD),
        same=(GOOD, GOOD),
        unknown=((None, True, "stop"), GOOD),
    )["decomposition"]
    assert report["problems"]["gains"] == {
        "tags learned": ["cut_with_the_answer", "tags"],
        "truncation changed": ["cut"],
        "answers changed": ["answer"],
        "undecided": ["unknown", "unsure"],
    }
    assert report["problems"]["losses"] == {
        "tags lost": ["tags_lost"],
        "truncation changed": ["cut_now"],
        "answers lost": ["answer_lost"],
        "undecided": [],
    }
    assert (report["n"], report["difference"]) == (10, 3 / 10)


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sides=some.lists(some.tuples(SIDE, SIDE), min_size=1, max_size=12))
def test_gains_and_losses_add_up_to_the_strict_difference(tmp_path_factory, sides):
    store = open_store(tmp_path_factory.mktemp("store"))
    report = compared(store, **{f"p{n}": both for n, both in enumerate(sides)})
    strict, parts = report["metrics"]["answer"], report["decomposition"]
    gained, lost = (sum(parts[side].values()) for side in ("gains", "losses"))
    assert (gained, lost, parts["n"]) == (strict["fixed"], strict["broken"], strict["n"])
    assert parts["difference"] == strict["difference"]
    sides_of = parts["problems"].values()
    assert sorted(one for side in sides_of for ids in side.values() for one in ids) == sorted(
        f"p{n}" for n, (a, b) in enumerate(sides) if (a[0] is True) != (b[0] is True)
    )


def test_without_lenient_there_is_none(store):
    for run in ("a", "b"):
        scored(store, run, {"p": True})
    assert compare.compare(store, "a", "b")["decomposition"] is None
    scored(store, "a", {"p": True}, grader="lenient")
    assert compare.compare(store, "a", "b")["decomposition"] is None


def test_a_problem_that_lenient_has_not_graded_is_undecided(store):
    for run in ("a", "b"):
        scored(store, run, {"p": run == "b", "q": True})
        scored(store, run, {"q": True}, grader="lenient")
    assert compare.compare(store, "a", "b")["decomposition"]["gains"]["undecided"] == 1


@pytest.mark.parametrize("cut", [2, 1])
def test_of_several_samples_most_decide(store, cut):
    finish = {"p": "length"} if cut == 2 else {}
    for run, right in (("a", [True, False, False]), ("b", [True, True, False])):
        for grader in ("strict", "lenient"):
            scored(store, run, {"p": right}, grader=grader, finish=finish if run == "a" else None)
    gains = compare.compare(store, "a", "b")["decomposition"]["gains"]
    assert gains["truncation changed" if cut == 2 else "answers changed"] == 1


def test_the_print_says_what_changed(say, store):
    compared(store, tags=((False, True, "stop"), GOOD), same=(GOOD, GOOD))
    code, out, err = say("compare", "a", "b")
    assert (code, err) == (0, "")
    words = [" ".join(line.split()) for line in out.splitlines()]
    assert "Why accuracy by strict changed: +50.0 points of 2 problems" in words
    assert "gains: tags learned 1" in words
    json.loads(say("compare", "a", "b", "--json")[1])


def test_the_causes_are_of_the_grader_that_compares(store):
    report_of = compared(store, x=((False, True, "stop"), (True, True, "stop")))
    assert report_of["decomposition"]["gains"]["tags learned"] == 1
    by_lenient = compare.compare(store, "a", "b", "lenient")
    assert (
        by_lenient["decomposition"]["difference"] == by_lenient["metrics"]["answer"]["difference"]
    )
    assert sum(by_lenient["decomposition"]["gains"].values()) == 0
