"""Rows in other trainers' formats: their fields, and that nothing of the texts is lost."""

import pytest
from hypothesis import given, strategies as st

from data.errors import UserError
from data.response_format import INSTRUCTION
from evals.curation.training_formats import PROMPT_FORMATS, ROW_FORMATS, check_format, formatted

ROW = {"id": "r1", "source": "s", "prompt": "2 + 2?", "reasoning": "two and two", "answer": "4"}
OURS = "<reasoning>two and two</reasoning>\n<answer>4</answer>"
THINK = "<think>\ntwo and two\n</think>\n\n4"


def turn(role: str, text: str) -> dict[str, str]:
    return {"role": role, "content": text}


def test_each_format_has_the_fields_that_its_readers_expect():
    prompt = turn("user", f"{INSTRUCTION}\n\n2 + 2?")
    rows = {name: formatted(ROW, name, "ours") for name in ROW_FORMATS}
    answer = turn("assistant", OURS)
    assert rows == {
        "messages": {"messages": [prompt, answer], "id": "r1"},
        "prompt-completion": {"prompt": [prompt], "completion": [answer], "id": "r1"},
        "sharegpt": {
            "conversations": [
                {"from": "human", "value": prompt["content"]},
                {"from": "gpt", "value": OURS},
            ],
            "id": "r1",
        },
        "alpaca": {"instruction": INSTRUCTION, "input": "2 + 2?", "output": OURS, "id": "r1"},
        "verl": {
            "data_source": "s",
            "prompt": [prompt],
            "ability": "math",
            "reward_model": {"style": "rule", "ground_truth": "4"},
            "extra_info": {"split": "train", "index": "r1", "question": "2 + 2?"},
            "id": "r1",
        },
        "jsonl": ROW,
        "parquet": ROW,
    }


@pytest.mark.parametrize(
    ("name", "prompt", "answer"),
    [("think", "2 + 2?", THINK), ("plain", "2 + 2?", "two and two\n\n4")],
)
def test_the_prompt_format_is_chosen(name, prompt, answer):
    messages = formatted(ROW, "messages", name)["messages"]
    assert messages == [turn("user", prompt), turn("assistant", answer)]
    alpaca = formatted(ROW, "alpaca", name)
    assert (alpaca["instruction"], alpaca["input"], alpaca["output"]) == (prompt, "", answer)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(reasoning=TEXT, answer=TEXT)
@pytest.mark.parametrize("name", ["ours", "think"])
def test_reasoning_and_answer_come_back_from_a_completion(name, reasoning, answer):
    form = PROMPT_FORMATS[name]
    if "</" in answer:  # an answer with the tag that ends it cannot be told apart
        return
    assert form.parsed(form.completion(reasoning, answer)) == (reasoning, answer)


@pytest.mark.parametrize("text", ["", "4", "<reasoning>a<answer>4</answer>", "<think>a"])
def test_a_text_without_the_format_is_not_parsed(text):
    assert [form.parsed(text) for form in PROMPT_FORMATS.values()] == [None, None, None]


def test_a_format_that_a_subset_cannot_fill_is_refused():
    with pytest.raises(UserError, match="problems have no reasoning"):
        check_format("messages", "problems")
    with pytest.raises(UserError, match="records have no sampled answers"):
        check_format("kto", "records")
    for row_format, of in (("verl", "problems"), ("preference", "problems"), ("alpaca", "records")):
        check_format(row_format, of)
