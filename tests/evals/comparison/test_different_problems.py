"""Two problems that have one id in two runs are never compared, and are counted."""

import pytest

from data.store import runs
from data.store.store import add, ask
from evals.comparison import compare
from evals.comparison.transitions import transitions
from evals.scores.pairs import NothingInCommon
from tests.support.imported import colliding, import_rows
from tests.support.store_rows import rows_of, scored


@pytest.fixture
def two(store, tmp_path):
    colliding(store, tmp_path)
    assert ask(store, "select count(*) from generations where problem_id = 'p1'").item() == 2
    return store


def test_only_the_same_problems_are_compared_and_the_rest_is_counted(two):
    value = compare.compare(two, "a", "b", "lenient", by=["length", "gold"])
    counts = [value[name] for name in ("n", "only_a", "only_b", "different")]
    assert counts == [1, 1, 0, 1]
    assert {metric["n"] for metric in value["metrics"].values()} == {1}
    assert {row["n"] for row in value["slices"]} == {1}


def test_transitions_and_pairs_of_stages_leave_them_out_too(two):
    value = transitions(two, ["a", "b"], "lenient")
    assert [value[name] for name in ("n", "left_out", "different")] == [1, 1, 1]
    rows = compare.comparisons(two, ["a", "b"], "lenient")
    assert {(row["n"], row["different"]) for row in rows} == {(1, 1)}
    both = compare.with_transitions(two, "a", "b", "lenient")
    assert [part["different"] for part in both] == [1, 1]


def test_a_third_run_is_of_one_of_the_two_problems(two, tmp_path):
    import_rows(two, tmp_path, "c", {"question": "9 - 1?", "gold": "8"})
    assert compare.compare(two, "b", "c", "lenient")["n"] == 1
    with pytest.raises(NothingInCommon, match=r"no problem in common.*1 ids name"):
        compare.compare(two, "a", "c", "lenient")


def test_a_slice_is_of_the_question_and_the_answer_of_the_run(store, tmp_path):
    import_rows(store, tmp_path, "a", {"question": "a longer question?"})
    runs.delete(store, "a")
    import_rows(store, tmp_path, "b", {"gold": "5000"})
    import_rows(store, tmp_path, "c", {"gold": "5000"})
    runs.restore(store, "a")
    slices = compare.compare(store, "b", "c", "lenient", by=["length", "gold"])["slices"]
    assert [row["value"] for row in slices] == ["6 to 6 characters", "1,000 and more"]


def test_runs_that_write_one_problem_in_two_ways_are_compared(store, tmp_path):
    import_rows(store, tmp_path, "a", {})
    runs.delete(store, "a")
    import_rows(store, tmp_path, "b", {"question": " 3 +\n4?", "gold": "7.0"})
    runs.restore(store, "a")
    assert compare.compare(store, "a", "b", "lenient")["different"] == 0


def test_the_same_question_with_another_reference_answer_is_another_problem(store, tmp_path):
    import_rows(store, tmp_path, "a", {})
    runs.delete(store, "a")
    import_rows(store, tmp_path, "b", {"gold": "8"})
    runs.restore(store, "a")
    with pytest.raises(NothingInCommon, match="1 ids name different problems"):
        compare.compare(store, "a", "b", "lenient")


def test_an_evaluation_answers_the_problem_of_the_record(store, tmp_path):
    import_rows(store, tmp_path, "a", {})
    problem = rows_of("problems", problem_id=["p1"], record_id=["r"], source=["s"],
                      split=["test"], question=["9 - 1?"], gold=["8"])  # fmt: skip
    add(store, "problems", problem, run="convert")
    scored(store, "e", {"p1": True}, grader="lenient")
    scored(store, "f", {"p1": False}, grader="lenient")
    assert compare.compare(store, "e", "f", "lenient")["n"] == 1
    with pytest.raises(NothingInCommon, match="different problems"):
        compare.compare(store, "a", "e", "lenient")


def test_problems_that_the_store_lacks_are_paired_by_their_ids(store):
    for run in ("e", "f"):
        scored(store, run, {"p1": True, "p2": False}, grader="lenient")
    value = compare.compare(store, "e", "f", "lenient")
    assert (value["n"], value["different"]) == (2, 0)
