"""A number that a text denies, and the unknown that an equation does not solve, are no answers."""

import pytest

from evals.graders.rules import lenient

DENIED = [
    "cannot be 5", "can't be 5", "should not be 5", "certainly not equal to 5", "anything but 5",
    "different from 5", "unlikely to be 5", "not necessarily 5", "impossible to get 5", "never 5",
]  # fmt: skip
DENIED_BEHIND = [
    "5 is wrong",
    "5 is not correct",
    "5 isn't it",
    "5 is too low",
    "5, which is wrong",
]
UNSOLVED = ["2x = 5", "x + 1 = 5", "x^2 = 5", "x/2 = 5", "x_5", "5 x", "5x"]
STATED = [
    "It is not 6. It is 5", "not 6 but 5", "nothing but 5", "2x = 10, so x = 5", "a + b = 5",
    "3 * 4 - 7 = 5", "x = 5", "There is no other way, so 5", "he cannot buy more than 4, so 5",
]  # fmt: skip


@pytest.mark.parametrize("words", DENIED + DENIED_BEHIND + UNSOLVED)
def test_in_prose_and_in_a_box(words):
    assert lenient(f"So it {words}.", "5").correct is not True
    assert lenient(f"\\boxed{{{words}}}", "5").correct is not True


@pytest.mark.parametrize("words", DENIED)
def test_words_before_a_box_deny_it(words):
    boxed = words.replace("5", "\\boxed{5}")
    assert lenient(f"So it {boxed}.", "5").correct is not True


@pytest.mark.parametrize("words", STATED)
def test_a_number_that_is_stated_passes(words):
    assert lenient(f"So {words}.", "5").correct is True


def test_a_mark_of_a_letter_is_part_of_its_name():
    assert lenient("\\boxed{A'}", "A").correct is not True
    assert lenient("The answer is 'A'.", "A").correct is True
