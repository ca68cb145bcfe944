"""Placeholders: what stands for an answer that is missing, unless question or thought mean it."""

import pytest

from data.conversion.convert import convert
from data.conversion.error_texts import MAY_BE_PLACEHOLDER, PLACEHOLDER

PLACEHOLDERS = [
    "N/A", "n/a", "#N/A", "null", "None", "<none>", "NaN", "undefined", "unknown", "Unknown.",
    "I don't know", "I do not know the answer.", "idk", "I'm not sure", "not available",
    "No answer provided", "TBD", "[Your answer here]", "missing", "\\boxed{N/A}",
    "\\boxed{\\text{None}}", "The answer is N/A.", "**Answer:** unknown",
]  # fmt: skip
EMPTY = [
    "-", "\u2014", "...", "?", "The answer is:", "Answer:", "So the final answer is", "\\boxed{}",
    "\\fbox{ }", "**Final answer:**",
]  # fmt: skip
MEANT = [
    ("None", "What does `f()` return?", "It has no return statement."),
    ("null", "What does the SQL query give?", "The join has no match."),
    ("None", "Which? (A) 3 (B) None", "Neither holds."),
    ("none", "How many of them are prime?", "There are no such numbers."),
    ("undefined", "What is 1/0?", "Division by zero is undefined."),
    ("I don't know", "If you are not sure, say I don't know.", "Hard."),
    ("N/A", "Fill in the cell, or N/A.", "There is no cell."),
    ("unknown", "Label: known or unknown?", "It is not listed."),
]  # fmt: skip
ANSWERS = ["None of the above", "Nona", "NaCl", "no", "0", "The answer is 5", "-5", "null set"]


def rows(answer: str, prompt: str = "How many apples?", thought: str = "We add 2 and 3."):
    """One row in each shape, with its shape."""
    tagged = f"<reasoning>{thought}</reasoning><answer>{answer}</answer>"
    turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": tagged}]
    stratos = [
        {"from": "user", "value": prompt},
        {"from": "assistant", "value": f"<think>{thought}</think>\n{answer}"},
    ]
    return [
        ({"prompt": prompt, "completion": f"<think>{thought}</think>\n{answer}"}, "completion"),
        ({"prompt": prompt, "reasoning": thought, "completion": answer}, "completion"),
        ({"question": prompt, "answer": f"{thought}\n#### {answer}"}, "gsm8k"),
        ({"messages": turns}, "messages"),
        ({"conversations": stratos}, "stratos"),
    ]


@pytest.mark.parametrize("answer", PLACEHOLDERS)
def test_a_placeholder_is_quarantined_as_one_in_every_shape(answer):
    assert {convert(*row).reason for row in rows(answer)} == {PLACEHOLDER}


@pytest.mark.parametrize("answer", EMPTY)
def test_an_answer_that_says_nothing_is_empty_in_every_shape(answer):
    assert {convert(*row).reason for row in rows(answer)} == {"answer empty"}


@pytest.mark.parametrize(("answer", "prompt", "thought"), MEANT)
def test_what_the_question_or_the_thought_means_is_an_answer_and_reported(answer, prompt, thought):
    for row in rows(answer, prompt, thought):
        result = convert(*row)
        assert result.outcome == "example"
        assert MAY_BE_PLACEHOLDER in {defect.phrase for defect in result.defects}


@pytest.mark.parametrize("answer", ANSWERS)
def test_other_answers_are_not_reported(answer):
    for row in rows(answer):
        result = convert(*row)
        assert result.outcome == "example"
        assert not {PLACEHOLDER, MAY_BE_PLACEHOLDER} & {d.phrase for d in result.defects}
