"""An answer that a text takes back, several answers in prose, and one value written twice."""

import pytest

from evals.graders.corrections import TAKEN_BACK
from evals.graders.rules import lenient, strict

TAKEN = [
    "The answer is 5. Wait, no, it is 6.",
    "\\boxed{5}. Wait, I made a mistake. It should be 6.",
    "\\boxed{5}\n\nActually, let me double-check: 2 + 4 = 6.",
    "#### 5\nCorrection: 6",
    "Final answer: 5\n\nHold on, that is wrong. 12 / 2 is 6.",
    "\\boxed{5}\nOops, this was incorrect: 6 apples.",
    "The answer is 5. No, it is 6 of them.",
]
CONFIRMED = [
    "The answer is 5. Wait, let me check: 2 + 3 = 5.",
    "\\boxed{5}. Actually, that is all.",
    "The answer is actually 5.",
    "#### 5\nLet me double-check: 10 / 2 = 5. Yes.",
    "Wait, that is wrong, it is not 6. So \\boxed{5}.",
    "The answer is 6. Wait, that's wrong. The answer is 5.",
    "The answer is 5 (not 6).",
    "The answer is 6, no, that was a mistake. \\boxed{5}",
]


@pytest.mark.parametrize("text", TAKEN)
def test_where_both_answers_are_wrong_the_text_is(text):
    assert (lenient(text, "7").correct, lenient(text, "7").partial) == (False, False)


@pytest.mark.parametrize("text", TAKEN)
@pytest.mark.parametrize("gold", ["5", "6"])
def test_an_answer_that_is_taken_back_is_no_answer(text, gold):
    score = lenient(text, gold)
    assert (score.correct, score.reason) == (None, TAKEN_BACK)
    block = f"<reasoning>r</reasoning>\n<answer>{text}</answer>"
    assert strict(block, gold).correct is None


@pytest.mark.parametrize("text", CONFIRMED)
def test_an_answer_that_is_checked_or_replaced_by_another_mark_counts(text):
    assert (lenient(text, "5").correct, lenient(text, "6").correct) == (True, False)


@pytest.mark.parametrize(
    "text",
    [
        "It is 5 or 6.",
        "So it takes 5 to 6 days.",
        "It could be 5, or maybe 6.",
        "The roots are 5 and 6.",
        "They are 4, 5, 6.",
        "so between 5 and 6",
    ],
)
@pytest.mark.parametrize("gold", ["5", "6"])
def test_the_last_of_several_numbers_in_prose_is_not_the_answer(text, gold):
    assert lenient(text, gold).correct is None


@pytest.mark.parametrize(
    ("text", "correct"),
    [
        ("She has 4 cats and 5 dogs, so 9 pets", True),
        ("From 3 o'clock to 12 it takes 9 hours", True),
        ("| total | 9 |", True),
        ("3 + 6, which is 9", True),
    ],
)
def test_other_numbers_of_a_sentence_are_no_answers(text, correct):
    assert lenient(text, "9").correct is correct


@pytest.mark.parametrize(
    ("answer", "gold", "correct"),
    [
        ("0.05 (5%)", "0.05", True), ("5% (0.05)", "0.05", True), ("0.05 (5%)", "5", None),
        ("1.5 million (1,500,000)", "1500000", True), ("2 dozen (24)", "24", True),
        ("2 dozen (24)", "2", None), ("0.05 (6%)", "0.05", None), ("5 (6%)", "5", None),
        ("1,500 (1.5 thousand)", "1500", True),
    ],
)  # fmt: skip
def test_one_value_that_is_written_twice_is_one_answer(answer, gold, correct):
    assert lenient(f"\\boxed{{{answer}}}", gold).correct is correct
    assert lenient(f"The answer is {answer}.", gold).correct is correct
