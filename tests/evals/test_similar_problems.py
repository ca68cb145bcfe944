"""Failures near a record or a defect: problems with similar words, beside all others."""

import pytest

from data.errors import UserError
from data.store.store import ask
from evals.similar_problems import most_similar, near_defect, near_record, sentence
from tests.support.lineage_rows import give_questions
from tests.support.store_rows import scored


def test_questions_are_near_by_the_words_that_are_rare():
    questions = ["how many apples has ann", "how many pears has bob", "how far is the moon"]
    near = most_similar(["ann eats apples"], questions, 2)
    assert max(near, key=lambda i: near[i]) == 0
    assert 2 not in near
    assert most_similar(questions, questions, 1) == pytest.approx({0: 1.0, 1: 1.0, 2: 1.0})
    assert most_similar([""], questions, 2) == {}


def test_a_record_without_any_problem_near_says_so(traced):
    give_questions(traced, ["Zwei?", "Drei?", "Vier?", "Acht?"])
    record_id = ask(traced, "select record_id from examples order by 1")["record_id"][0]
    assert sentence(near_record(traced, record_id, "eval-sft")).startswith("No problem of eval-sft")


def test_failures_near_a_record_stand_beside_the_others_as_an_association(traced):
    questions = [f"How many {what} has Ann, then?" for what in ("apples", "pears")]
    questions += ["What is one and one?", "Which train is faster?"]
    give_questions(traced, questions)
    record_id = ask(traced, "select record_id from examples order by 1")["record_id"][0]
    near = near_record(traced, record_id, "eval-sft")
    assert [one["problem_id"] for one in near["problems"]][:2] == ["p0", "p1"]
    assert near["near"]["n"] + near["others"]["n"] == 4
    assert near["small"]
    text = sentence(near)
    assert "association" in text
    assert "weak evidence" in text


def test_failures_near_a_defect_are_of_all_records_that_have_it(traced):
    give_questions(
        traced, ["How many pears has Bob got?", "One and one?", "Which train?", "What else?"]
    )
    phrase = ask(traced, "select reason from conversions where reason is not null")["reason"][0]
    near = near_defect(traced, phrase, "eval-sft")
    assert (near["records"], near["looked_at"]) == (1, 1)
    assert [one["problem_id"] for one in near["problems"]] == ["p0"]
    with pytest.raises(UserError, match="no record has the defect 'none such'"):
        near_defect(traced, "none such", "eval-sft")


def test_failures_near_a_record_are_of_one_stage_and_unknown_is_a_failure(traced):
    give_questions(traced, ["How many apples has Ann, then?", "Which train is faster?"])
    record_id = ask(traced, "select record_id from examples order by 1")["record_id"][0]
    scored(traced, "two", {"p0": False, "p1": False}, stage="base")
    scored(traced, "two", {"p0": True, "p1": None}, stage="sft")
    with pytest.raises(UserError, match="two/base, two/sft"):
        near_record(traced, record_id, "two")
    near = near_record(traced, record_id, "two/sft")
    assert (near["near"]["value"], near["others"]["value"], near["unknown"]) == (0, 1, 1)
    assert "Unknown verdicts count as failed (1 problems)." in sentence(near)
    assert near_record(traced, record_id, "two/base")["near"]["value"] == 1
