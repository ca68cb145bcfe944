"""Multiple choice: several letters are several answers, and a letter that is denied is not one."""

import pytest

from evals.graders.options import chosen_options
from evals.graders.rules import lenient

CHOSEN = [
    ("A", "A"), ("(b)", "B"), ("C) Vitamin D", "C"), ("option A", "A"), ("D.", "D"),
    ("Option (A) is correct", "A"), ("A, not B", "A"), ("A) is wrong, so B", "B"),
    ("B) The sun is not a star", "B"), ("A is wrong, B is wrong, so C.", "C"),
    ("(A) cannot be right; it must be (D)", "D"), ("not (A) but (B)", "B"),
]  # fmt: skip
SEVERAL = [
    ("A, B", "AB"), ("A and B", "AB"), ("A or B", "AB"), ("(A), (B)", "AB"), ("A/C", "AC"),
    ("either A or D", "AD"), ("A) 12 and C) 14", "AC"), ("A, B, and C", "ABC"), ("A; B", "AB"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "letters"), CHOSEN + SEVERAL)
def test_letters_that_an_answer_chooses(answer, letters):
    assert chosen_options(answer) == set(letters)


@pytest.mark.parametrize("answer", ["A dog", "Vitamin D", "I think so", "A is wrong", ""])
def test_a_letter_inside_words_chooses_nothing(answer):
    assert chosen_options(answer) is None


@pytest.mark.parametrize(("answer", "letters"), SEVERAL)
def test_several_letters_are_no_answer_though_one_of_them_is_right(answer, letters):
    assert lenient(f"The answer is {answer}", letters[0]).correct is not True
    assert lenient(f"\\boxed{{{answer}}}", "E").correct is False


@pytest.mark.parametrize(
    "text",
    [
        "B) 5 apples", "B. 5 apples", "(B) 5 apples", "Correct option is (B) 5 apples", "B) 12",
        "2 + 3 = 5\nTherefore, (B) is right", "Option B is correct.", "So option B, 12.",
        "Option A is wrong, option B is correct.",
    ],
)  # fmt: skip
def test_the_letter_of_an_option_with_its_text_is_the_answer_without_a_mark(text):
    assert (lenient(text, "B").correct, lenient(text, "A").correct) == (True, False)
    assert lenient(text, "C").correct is False


def test_a_letter_that_is_called_wrong_is_not_chosen():
    assert lenient("A) is wrong, so B", "A").correct is False
    assert lenient("A) is wrong, so B", "B").correct is True


@pytest.mark.parametrize("answer", ["B) x, i.e. y", "B: 5, e.g. y", "B."])
def test_an_abbreviation_is_no_letter(answer):
    assert chosen_options(answer) == {"B"}
