"""Rejection sampling: a run's own right answers become records that train."""

import pytest

from data.audit.quarantine import quarantine
from data.store import annotations
from data.store.store import Store, ask
from data.subsets.recipe import Recipe
from evals.curation import choose
from evals.curation.rejection_sampling import add_rejection_sample, rejection_sample
from pipeline.job import inputs
from tests.support.small_sources import RIGHT, problem_ids, rolled_out, with_sums


@pytest.fixture
def store(store, tmp_path) -> Store:
    """A store with sums of both splits."""
    return with_sums(store, tmp_path)


def test_own_answers_are_right_short_and_of_no_test_problem(store):
    train, test = problem_ids(store), problem_ids(store, "test")
    long, short = RIGHT.format("we add one to nothing", 1), RIGHT.format("so", 1)
    slip = RIGHT.format("1 + 1 = 3", 1)
    rolled_out(store, {train[0]: [long, short, short, slip, "no"], test[0]: [short], "lost": [""]})
    chosen = rejection_sample(store, ["mine-grpo"], per_problem=1)
    assert chosen.counts() == {
        **{"read": 7, "test": 2, "unknown": 0, "wrong": 1, "doubled": 1, "beyond": 2, "kept": 1}
    }
    assert chosen.rows[0]["completion"] == short
    best = rejection_sample(store, ["mine-grpo"], pick="best", per_problem=2)
    assert [row["completion"] for row in best.rows] == [short, long]


def test_answers_to_a_quarantined_problem_are_not_learned_from(store):
    first, second, *_ = problem_ids(store)
    rolled_out(store, {first: [RIGHT.format("so", 1)], second: [RIGHT.format("so", 2)]})
    query = "select record_id from problems where problem_id = $id"
    quarantine(store, ask(store, query, id=first)["record_id"][0], "wrong answer", "Ann")
    chosen = rejection_sample(store, ["mine-grpo"])
    assert {row["problem_id"] for row in chosen.rows} <= {second}
    assert chosen.counts()["test"] == 1


def test_own_answers_become_records_that_conversion_audits(store):
    train = problem_ids(store)
    rolled_out(store, {train[1]: [RIGHT.format("so", 2)]})
    value = add_rejection_sample(store, "own", ["mine-grpo"])
    assert (value["kept"], value["new"], value["converted"]) == (1, 1, 1)
    saved, _ = choose.save(store, "own", Recipe(sources=("own",)), "Ann")
    assert [one.prompt for one in inputs.examples_in(store, saved)] == ["train 1 + 1?"]


def test_own_answers_of_a_run_whose_name_holds_test_are_train_records(store):
    train = problem_ids(store)
    rolled_out(store, {train[1]: [RIGHT.format("so", 2)]}, run="grpo-test-7")
    value = add_rejection_sample(store, "own", ["grpo-test-7"])
    assert (value["kept"], value["new"], value["converted"]) == (1, 1, 1)
    records = ask(store, "select split, origin from records where source = 'own'")
    assert records.rows() == [("train", "shortest-1-of-grpo-test-7")]
    chosen, _ = choose.save(store, "own", Recipe(sources=("own",)), "Ann")
    assert [one.prompt for one in inputs.examples_in(store, chosen)] == ["train 1 + 1?"]


def test_no_right_answer_is_said_and_makes_no_source(store):
    rolled_out(store, {problem_ids(store)[0]: ["no"]})
    with pytest.raises(annotations.BadEntry, match="no correct answer"):
        add_rejection_sample(store, "own", ["mine-grpo"])
    assert ask(store, "select 1 from records where source = 'own'").is_empty()
