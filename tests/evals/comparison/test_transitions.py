"""Transitions: each problem has one path, and every count comes with its problems."""

import json

import polars as pl
import pytest
from hypothesis import given, strategies as some

from data.errors import UserError
from evals.comparison.transitions import RIGHT, UNKNOWN, WRONG, problem_outcomes, transitions
from evals.scores.pairs import NothingInCommon
from tests.support.store_rows import scored


@pytest.fixture
def three(store):
    scored(store, "base", {"p1": False, "p2": False, "p3": True, "p4": None, "p5": True})
    scored(store, "sft", {"p1": True, "p2": False, "p3": True, "p4": True})
    scored(store, "grpo", {"p1": True, "p2": True, "p3": False, "p4": True, "p6": True})
    return store


def test_every_path_has_its_problems(three):
    report = transitions(three, ["base", "sft", "grpo"])
    assert (report["n"], report["left_out"], report["samples"]) == (4, 2, 1)
    assert {" ".join(row["path"]): row["problems"] for row in report["paths"]} == {
        "wrong wrong right": ["p2"],
        "wrong right right": ["p1"],
        "right right wrong": ["p3"],
        "unknown right right": ["p4"],
    }
    assert [row["count"] for row in report["paths"]] == [1, 1, 1, 1]
    json.dumps(report)


def test_each_step_says_who_was_fixed_and_broken(three):
    first, second = transitions(three, ["base", "sft", "grpo"])["steps"]
    assert (first["from"], first["to"], second["to"]) == ("base", "sft", "grpo")
    assert first["problems"] == {
        "fixed": ["p1", "p4"],
        "broken": [],
        "kept_right": ["p3"],
        "kept_wrong": ["p2"],
        "unknown": ["p4"],
    }
    counts = {name: len(ids) for name, ids in second["problems"].items()}
    assert {name: second[name] for name in counts} == counts
    assert counts == {"fixed": 1, "broken": 1, "kept_right": 2, "kept_wrong": 0, "unknown": 0}


def test_the_commonest_path_comes_first(store):
    scored(store, "a", {"p1": False, "p2": True, "p3": True})
    scored(store, "b", {"p1": False, "p2": True, "p3": True})
    assert [row["path"] for row in transitions(store, ["a", "b"])["paths"]] == [
        ["right", "right"],
        ["wrong", "wrong"],
    ]


def test_stages_of_one_run_come_in_the_order_of_training(store):
    for stage in ("another", "grpo", "sft", "base"):
        scored(store, "all", {"p1": stage == "grpo"}, stage=stage)
    report = transitions(store, ["all"])
    assert report["stages"] == ["all/base", "all/sft", "all/grpo", "all/another"]
    assert report["paths"][0]["path"] == ["wrong", "wrong", "right", "wrong"]
    assert transitions(store, ["all/sft", "all/base"])["stages"] == ["all/sft", "all/base"]


def test_one_stage_alone_and_mixed_stages_are_refused(three):
    scored(three, "both", {"p1": True}, stage="base")
    scored(three, "both", {"p1": True}, stage="sft")
    with pytest.raises(UserError, match="base is one stage; expected two or more"):
        transitions(three, ["base"])
    with pytest.raises(UserError, match="both/sft is one stage"):
        transitions(three, ["both/sft"])
    with pytest.raises(UserError, match="both/base, both/sft"):
        transitions(three, ["base", "both"])


def test_stages_without_a_common_problem_are_refused(three):
    scored(three, "other", {"q": True})
    with pytest.raises(NothingInCommon, match="other answered 1"):
        transitions(three, ["base", "other"])


def state(samples) -> str:
    """Of one problem with these samples: 1, 0 or nan."""
    answers = [None if one != one else bool(one) for one in samples]
    scores = pl.DataFrame({"problem_id": "p", "answer": pl.Series(answers, dtype=pl.Boolean)})
    return problem_outcomes(scores)["p"]


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([1, 1, 0], RIGHT),
        ([1, 0], WRONG),  # half is not most
        ([1, 1, None], RIGHT),
        ([1, 0, None], UNKNOWN),
        ([0, 0, None], WRONG),
        ([None], UNKNOWN),
    ],
)
def test_a_problem_is_right_if_most_of_its_samples_are(samples, expected):
    assert state([float("nan") if one is None else one for one in samples]) == expected


@given(some.lists(some.sampled_from([0.0, 1.0, float("nan")]), min_size=1, max_size=9))
def test_a_state_that_is_known_holds_whatever_the_unknown_samples_are(samples):
    outcome = state(samples)
    if outcome != UNKNOWN:
        for guess in (0.0, 1.0):
            assert state([guess if one != one else one for one in samples]) == outcome


def test_the_print_shows_steps_and_paths_and_what_right_means(say, three):
    code, out, err = say("transitions", "base", "sft", "grpo")
    assert (code, err) == (0, "")
    words = [" ".join(line.split()) for line in out.splitlines()]
    assert "base → sft 2 0 1 1 1" in words  # one was unknown
    assert "wrong → right → right 1" in words
    assert "most of" not in out
    scored(three, "many", {"p1": [True, False, True]})
    assert "correct: most of up to 3 samples are" in say("transitions", "base", "many")[1]


def test_json_has_the_object_and_bad_names_are_told(say, three):
    code, out, _ = say("transitions", "base", "sft", "--json")
    assert (code, json.loads(out)["n"]) == (0, 4)
    assert say("transitions", "base")[0] == say("transitions", "nothing", "base")[0] == 2
