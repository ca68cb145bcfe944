"""Texts that mark no answer: the last sentence counts, and a text that is cut off has none."""

import pytest

from evals.graders.rules import lenient

BEFORE = "We write down what the problem says and work it out step by step, slowly. " * 3


@pytest.mark.parametrize(
    ("text", "gold"),
    [
        ("Tom has 5. He has 3 left.", "3"),
        ("Tom has 5 apples. After lunch 3 are left.", "3"),
        ("She pays 20 dollars. She gets back 4 dollars.", "4"),
        ("There are 12 boys. So there are 9 girls.", "9"),
        ("First it is 7.\nThen it is 8.", "8"),
        ("I am confident. 326.5 is the correct sum of 313.9 and 12.6.", "326.5"),
        ("9 is the sum of 4 and 5.", "9"),
        ("10 is the difference between 15 and 5.", "10"),
        ("So 20 dollars is the total for 4 books.", "20"),
        ("3 is the cost of 1, so the cost of 5 is 15.", "15"),
        ("2 is the smallest prime number and 9 is the largest digit.", "9"),
        ("The sum of 4 and 5 is 9.", "9"),
        (BEFORE + "So it is 5", "5"),
        (BEFORE + "So it is \\(5\\)", "5"),
        (BEFORE + "So it is 5 (and not more)", "5"),
        (BEFORE + "So it is **5**", "5"),
    ],
)
def test_the_last_sentence_has_the_answer(text, gold):
    assert lenient(text, gold).correct is True


@pytest.mark.parametrize(
    "end",
    ["x = 5 \\pmod{", "it is 5 (because", "it is 5,", "it is \\(5", "5 = 2 +", "5 + (3 - 3", "5:",
     "\\[ x = 5"],
)  # fmt: skip
def test_a_text_that_is_cut_off_within_a_formula_has_no_answer(end):
    score = lenient(f"{BEFORE}So {end}", "5")
    assert (score.correct, score.extracted) == (False, None)
    assert lenient(f"The answer is 5. {BEFORE}So {end}", "5").correct is True  # it was announced


@pytest.mark.parametrize(
    ("text", "gold", "correct"),
    [
        ("She is at (2, 3).", "(2,3)", True),
        ("The point P(2, 3).", "(2,3)", True),
        ("The interval is [2, 5).", "[2,5)", True),
        ("The set is {1, 2, 3}.", "\\{1,2,3\\}", True),
        ("The points are (1, 2) and (3, 4).", "(1,2),(3,4)", True),
        ("The points are (1, 2) and (3, 4).", "(3,4)", False),
        ("It is (2, 3), not (3, 2).", "(2,3)", True),
        ("It is (2, 3), not (3, 2).", "(3,2)", False),
        ("We need gcd(12, 18).", "(12,18)", False),
        (BEFORE + "It lies in (2, 5]", "(2,5]", True),
    ],
)
def test_pairs_sets_and_intervals_are_read_whole(text, gold, correct):
    assert lenient(text, gold).correct is correct


@pytest.mark.parametrize(
    ("end", "correct"),
    [
        ("So the only correct option is (C) Plane.\n\nI think that's the answer.", True),
        ("It must be option C.\n\nI am sure.\n\nThat is it.", True),
        ("So option C is right.\nThere are 5 of them.", False),
        ("It is not option C.\n\nI am sure.", False),
        ("Option C is wrong, so it is B.\n\nI am sure.", False),
    ],
)
def test_an_option_may_stand_before_words_that_end_a_text(end, correct):
    assert lenient(BEFORE + "\n\n" + end, "\\text{(C)}").correct in (correct, correct or None)
