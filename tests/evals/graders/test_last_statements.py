"""What only looks like a final answer does not pass, and what is said in passing does not fail."""

import pytest

from evals.graders.corrections import LATER
from evals.graders.rules import lenient, strict

RIGHT = [
    ("She ate 6, not counting 5 others.", "6"), ("*18* apples", "18"),
    ("It's 6, not 5.", "6"), ("20 (not 18)", "20"), ("It is 20, instead of 18.", "20"),
    ("It is 20 rather than 18.", "20"), ("He did it 18 times.", "18"), ("So w = 6 - 5i.", "6 - 5i"),
    ("Thus the two numbers are 3 and 4.", "3, 4"), ("x = 3 or x = -4", "3,-4"),
    ("The solutions are $x = 3$ and $x = -4$.", "3,-4"), ("I would choose B.", "B"),
    ("The function is even.", "\\text{even}"), ("\\boxed{-2 \\le x \\le 7}", "[-2,7]"),
    ("\\boxed{x > 3}", "(3,\\infty)"), ("\\boxed{(-\\infty, 5]}", "x \\le 5"),
    ("\\boxed{5}. Check: 5 + 3 = 8.", "5"), ("There are 5 am I right?\nSo 6.", "6"),
    ("If the answer is 5, it is odd. The answer is 7.", "7"),
]  # fmt: skip
WRONG = [
    ("Don't choose B.", "B"), ("I don't pick B", "B"), ("12 is the wrong answer for 5.", "12"),
    ("Whether the answer is 5 is unclear.", "5"), ("She ate 6, not counting 5 others.", "5"),
    ("18 times the price", "18"), ("18 * x", "18"), ("18*x", "18"),
    ("18 would be wrong.", "18"), ("18 can't be right.", "18"), ("18 seems wrong", "18"),
    ("18 times that.", "18"), ("It is 18 times as many.", "18"), ("18 + x", "18"), ("3 PM", "3"),
    ("He wakes at 3 p.m.", "3"), ("Let's assume the answer is 18.", "18"), ("Is it 18?", "18"),
    ("Suppose the answer is 18. Then 18 + 1 = 19, a contradiction.", "18"),
    ("Is the answer 18?", "18"), ("The previous answer was 18.", "18"),
    ("The wrong answer is 18.", "18"), ("An incorrect answer would be 18.", "18"),
    ("It's 6, not 5.", "5"), ("It is 20 rather than 18.", "18"), ("x = 3 or x = -4", "-4"),
    ("The solutions are $x = 3$ and $x = -4$.", "-4"),
    ("The function is not even.", "\\text{even}"),
    ("The function is neither odd nor even.", "\\text{even}"), ("\\boxed{-2 < x < 7}", "[-2,7]"),
    ("If f is odd then g is even.", "\\text{even}"), ("\\boxed{x \\ge 3}", "(3,\\infty)"),
    ("We need gcd(12, 18).", "12, 18"), ("Some say that it is even.", "\\text{even}"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "gold"), RIGHT)
def test_an_answer_is_right_whatever_stands_around_it(text, gold):
    assert lenient(text, gold).correct is True


@pytest.mark.parametrize(("text", "gold"), WRONG)
def test_what_is_denied_assumed_or_asked_does_not_pass(text, gold):
    assert lenient(text, gold).correct is not True
    assert strict(f"<reasoning>So.</reasoning><answer>{text}</answer>", gold).correct is not True


def test_a_result_behind_the_answer_is_not_failed_and_does_not_pass():
    text = "The difference is \\boxed{4\\sqrt{5}}.\n\nTherefore, m + n = 4 + 5 = 9."
    assert [lenient(text, gold).correct for gold in ("4\\sqrt{5}", "9", "10")] == [
        True,
        None,
        False,
    ]
    assert lenient(text, "9").reason == LATER
