"""A deleted run leaves the problems that others answered to those that answered them."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from data.store import runs
from data.store.store import add, add_generations, ask
from tests.support.store_rows import generated, rows_of

PROBLEM = "problem of g"


def began(store, run, kind="import"):
    runs.begin(store, kind, run=run, config={}, seed=None, inputs={})
    runs.end(store, run, "done", {})


def problem(store, run, gold, question="3 + 4?", record=None):
    rows = rows_of("problems", problem_id=[PROBLEM], source=[run], split=["train"],
                   question=[question], gold=[gold], record_id=[record])  # fmt: skip
    add(store, "problems", rows, run=run)


@pytest.fixture
def answered(store):
    """A store of an older version: `b` answered a problem that only `a` has."""
    for run in ("a", "b"):
        began(store, run)
    problem(store, "a", "7")
    add_generations(store, *generated("g"), run="b", stage="import")
    return store


def golds(store, run="b"):
    query = "select question, gold from answered_generations where run = $run"
    return ask(store, query, run=run).rows()


def test_an_import_keeps_what_only_the_deleted_one_had(answered):
    runs.delete(answered, "a")
    assert golds(answered) == [("3 + 4?", "7")]
    assert ask(answered, "select split, source, run from problems").rows() == [("train", "b", "b")]


def test_an_answer_is_not_graded_by_what_another_run_calls_the_same_id(answered):
    began(answered, "z")
    problem(answered, "z", "8", "9 - 1?")
    runs.delete(answered, "a")
    assert golds(answered) == [("3 + 4?", "7")]


def test_an_evaluation_keeps_the_problems_of_a_deleted_conversion(answered):
    began(answered, "c", "convert")
    problem(answered, "c", "7", record="r")
    began(answered, "e", "eval")
    add_generations(answered, *generated("g"), run="e", stage="sft")
    runs.delete(answered, "a")
    runs.delete(answered, "c")
    assert golds(answered, "e") == golds(answered, "b") == [("3 + 4?", "7")]
    runs.restore(answered, "c")
    assert ask(answered, "select source from problem_texts").rows() == [("c",)]


def test_nothing_is_added_where_the_same_problem_is_elsewhere(answered):
    began(answered, "z")
    problem(answered, "z", "7")
    runs.delete(answered, "a")
    assert ask(answered, "select run from problems").rows() == [("z",)]
    assert golds(answered) == [("3 + 4?", "7")]


def test_the_run_itself_and_those_with_an_own_problem_get_none(answered):
    problem(answered, "b", "7")
    add_generations(answered, *generated("g"), run="a", stage="import")
    runs.delete(answered, "a")
    assert ask(answered, "select run from problems").rows() == [("b",)]


def test_a_deletion_that_was_interrupted_adds_them_once(answered, monkeypatch):
    with monkeypatch.context() as cut:
        cut.setattr(runs, "_event", lambda *_: pytest.fail("interrupted"))
        with pytest.raises(pytest.fail.Exception):
            runs.delete(answered, "a")
    runs.delete(answered, "a")
    assert ask(answered, "select run from problems").rows() == [("b",)]
    runs.restore(answered, "a")
    runs.delete(answered, "a")
    assert golds(answered) == [("3 + 4?", "7")]


def test_rows_of_a_run_whose_deletion_was_interrupted_do_not_count(answered, monkeypatch):
    began(answered, "z")
    problem(answered, "z", "7")
    with monkeypatch.context() as cut:
        cut.setattr(runs.trash, "set_aside", lambda *_: pytest.fail("interrupted"))
        with pytest.raises(pytest.fail.Exception):
            runs.delete(answered, "a")
    runs.delete(answered, "z")
    runs.delete(answered, "a")
    assert golds(answered) == [("3 + 4?", "7")]


def test_of_two_deletions_at_once_the_second_keeps_what_the_first_left_to_it(answered):
    began(answered, "z")
    problem(answered, "z", "7")
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda run: runs.delete(answered, run), ("a", "z")))
    assert golds(answered) == [("3 + 4?", "7")]
