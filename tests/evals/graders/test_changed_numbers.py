"""What stands beside a number and changes it: the number alone is never the answer."""

import pytest

from evals.graders.rules import lenient, strict

PROSE = [
    ("The area is 25\u03c0.", "25"), ("The side is \u221a5.", "5"), ("Therefore x > 5.", "5"),
    ("The answer is not 5", "5"), ("It is 5i", "5"), ("so 5x", "5"), ("so log 5", "5"),
    ("It is \u00b15", "5"), ("twice 5", "5"), ("so the square root of 5", "5"),
    ("The side is $\\sqrt{5}$", "5"), ("It is \u8d1f5", "5"), ("At most 5", "5"),
]  # fmt: skip
ANSWERS = [
    "the square root of 5", "the reciprocal of 5", "the negative of 5", "the cube of 5",
    "5 billionths", "5 is wrong", "\u8d1f5", "\u96f6\u4e0b5", "5 less than x", "5 more than x",
    "-x = 5", "\\sqrt{x} = 5", "|x| = 5", "\\log x = 5", "x^2 = 5",
]  # fmt: skip
PLAIN = [
    "The answer is 5!", "So it costs $5.", "He has 3 more than 2, so 5.", "It takes 5 hours.",
    "x = 5", "= 5cm", "5km/h in total", "The answer is 10% of 50 = 5", "a total of 5", "total = 5",
]  # fmt: skip


@pytest.mark.parametrize(("text", "gold"), PROSE)
def test_a_number_in_prose_is_read_with_what_changes_it(text, gold):
    assert lenient(text, gold).correct is not True


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_with_words_or_functions_of_a_number_does_not_pass_for_the_number(answer):
    text = f"<reasoning>so</reasoning><answer>{answer}</answer>"
    assert strict(text, "5").correct is not True


@pytest.mark.parametrize("text", PLAIN)
def test_a_number_that_nothing_changes_passes(text):
    assert lenient(text, "5").correct is True


def test_bars_are_an_absolute_value():
    text = "<reasoning>so</reasoning><answer>\\boxed{|-5|}</answer>"
    assert (strict(text, "5").correct, strict(text, "-5").correct) == (True, False)
