"""Lineage: from a generation back to its run, its subset, its conversion and its source."""

import pytest

from data.lineage import UNKNOWN, NoSuchGeneration, back, of_run
from data.store import runs
from tests.support.evaluation import evaluate
from tests.support.imported import colliding
from tests.support.lineage_rows import kinds


def test_a_generation_goes_back_to_its_checkpoint_subset_conversion_and_source(traced):
    steps = back(traced, "p0:eval-sft")
    assert kinds(steps) == [
        *("generation", "problem", "evaluation", "training"),
        *("subset", "subset", "conversion", "source"),
    ]
    training = steps[3]
    assert training.title == "sft-1"
    assert training.facts["checkpoint"]["step"] == 5
    assert [step.title for step in steps[4:6]] == ["some@1", "all@1"]
    assert steps[6].facts["records"] == 4
    assert steps[6].facts["converted"] == 3
    assert steps[7].facts["origin"] == ["mine.jsonl"]
    assert steps[7].facts["revision"] == UNKNOWN


def test_what_a_run_does_not_say_is_unknown_and_not_left_out(here):
    evaluate(here, "eval-lost", "grpo", ["7"], parent="grpo-gone")
    steps = back(here, "p0:eval-lost")
    assert steps[-1].title == "grpo-gone"
    assert steps[-1].facts == {"state": UNKNOWN}


def test_a_run_that_is_its_own_parent_ends(here):
    runs.begin(here, "sft", run="loop", config={}, seed=0, inputs={}, parent="loop")
    assert [step.title for step in of_run(here, "loop")] == ["loop", UNKNOWN]


def test_an_id_that_is_nothing_is_refused(traced):
    with pytest.raises(NoSuchGeneration, match="no generation 'x'"):
        back(traced, "x")


def test_a_generation_answers_the_problem_that_its_own_import_has(store, tmp_path):
    colliding(store, tmp_path)
    facts = {run: back(store, f"p1:000:{run}:import")[1].facts for run in "ab"}
    assert [(one["question"], one["gold"], one["source"]) for one in facts.values()] == [
        ("3 + 4?", "7", "a"),
        ("9 - 1?", "8", "b"),
    ]
