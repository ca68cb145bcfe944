"""Failures near a record or a defect: problems with similar words, beside all others."""

import json

import pytest

from data.errors import UserError
from data.sources.ingest import ingest
from data.store.store import ask
from evals.similarity.similar_problems import most_similar, near_defect, near_record, sentence
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


ROW = {"prompt": "How many pears has Ann?", "completion": "<think>so</think>5"}
TURNS = [{"role": "user", "content": ROW["prompt"]}, {"role": "assistant", "content": "5"}]


@pytest.mark.parametrize(
    ("row", "shape"),
    [
        (ROW | {"train": False}, "completion"),
        (ROW | {"weight": 0}, "completion"),
        (ROW | {"weight": "3 kg"}, "completion"),
        ({"messages": [TURNS[0], TURNS[1] | {"weight": 0}]}, "messages"),
        ({"messages": [TURNS[0], TURNS[1] | {"training": "perhaps"}]}, "messages"),
        ({"messages": [*TURNS, {"role": "user", "content": "And apples?"}, TURNS[1]]}, "messages"),
        ({"question": ROW["prompt"], "answer": "5\n#### 5", "loss": "no"}, "gsm8k"),
    ],
)
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_row_that_is_not_trained_on_has_problems_near_it(traced, tmp_path, row, shape, split):
    give_questions(traced, ["How many pears has Bob got?", "One and one?", "Which train?", "So?"])
    file = tmp_path / split / "rows.jsonl"
    file.parent.mkdir()
    file.write_text(json.dumps(row))
    ingest(traced, f"flagged-{split}", file, shape)
    records = "select record_id, split from records where source = $source"
    [(record_id, stored_split)] = ask(traced, records, source=f"flagged-{split}").rows()
    assert stored_split == split
    near = near_record(traced, record_id, "eval-sft")
    assert [one["problem_id"] for one in near["problems"]] == ["p0"]


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
