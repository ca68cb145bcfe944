r"""A box is graded with what stands beside it: \boxed{2} \pmod 7 is not 2 (mod 5)."""

import pytest

from evals.graders.rules import lenient, strict

CASES = [
    (r"\boxed{2} \pmod 7", "2 (mod 5)", None), (r"\boxed{2} \pmod 5", "2 (mod 5)", True),
    (r"$\boxed{2}$ (mod $7$)", "2 (mod 5)", None), (r"\boxed{2}, modulo 7", "2 (mod 5)", None),
    (r"mod 7 it is \boxed{2}", "2 (mod 5)", None), (r"\boxed{2} \pmod 7", "2", True),
    (r"$x \equiv \boxed{2} \pmod 5$", r"x \equiv 2 \pmod 5", True),
    (r"\boxed{5}\%", "5", True), (r"\boxed{5}\%", "0.05", None), (r"\boxed{5}\%", "6", False),
    (r"\boxed{5} \cdot 10^3", "5", None), (r"\boxed{5} \cdot 10^3", "5000", True),
    (r"\boxed{5}/2", "5", None), (r"\boxed{5}/2", "2.5", True), (r"\boxed{5}^2", "25", True),
    (r"\boxed{101}_2", "101_3", None), (r"\boxed{101}_2", "101_2", True),
    (r"$-\boxed{5}$", "5", None), (r"$-\boxed{5}$", "-5", True), (r"$-\boxed{5}$", "4", False),
    (r"$\boxed{5} \cup \{6\}$", "5", None), (r"$\boxed{x^2} + C$", "x^2 + C", True),
    (r"$\boxed{2}\sqrt{3}$", "2", None), (r"$\boxed{2}\sqrt{3}$", r"2\sqrt{3}", True),
    (r"\boxed{1}:\boxed{2}", "2", None), (r"\boxed{5} million", "5", None),
    (r"\boxed{5} million", "5000000", True), (r"\boxed{5} dozen eggs", "60", True),
    (r"\boxed{5} dozen eggs", "5", True), (r"\boxed{7:30} p.m.", "7:30 p.m.", True),
    (r"\boxed{A} or B", "A", None), (r"\boxed{5} or 6", "6", None), (r"\boxed{5} or 6", "7", None),
    (r"$3 + \boxed{2} = 5$", "2", None), (r"\boxed{5} - 2 = 3", "3", None),
    (r"\boxed{-\boxed{5}}", "5", None), (r"\boxed{\boxed{1} and \boxed{2}}", "2", None),
    (r"\boxed{\boxed{1} and \boxed{2}}", "1, 2", True), (r"-\boxed{\boxed{5}}", "-5", True),
    (r"\boxed{50}\% and \boxed{60}\%", "60", None), (r"\boxed{1} and -\boxed{2}", "1, -2", True),
    (r"\boxed{5} dollars", "5", True), (r"so she needs at least \boxed{5}.", "5", True),
]  # fmt: skip


@pytest.mark.parametrize(("text", "gold", "correct"), CASES)
def test_the_box_alone_is_never_the_answer_where_its_neighbours_change_it(text, gold, correct):
    assert lenient(f"So the result: {text}", gold).correct is correct
    block = f"<reasoning>r</reasoning>\n<answer>{text}</answer>"
    assert strict(block, gold).correct is correct


def test_an_unknown_box_says_why():
    score = lenient(r"\boxed{2} \pmod 7", "2 (mod 5)")
    assert score.reason == "what stands beside the box changes its value"
    assert score.extracted == "2 (mod 7)"


PARTLY_READ = [  # of these the symbolic grader reads a part alone, which is the reference answer
    ("5 \\mid x", "5"), ("5\u221a2", "5"), ("5\u221a2", "5\u221a3"), ("2 \\perp 3", "2"),
    ("5 # 2", "5"), ("5|2", "5"),
    ("5 \\cup 2", "2"), ("5\\dagger", "5"), ("f'(x)", "f(x)"), ("5₂", "5"), ("5\u03b1", "5"),
    ("5ⁿ", "5"), ("1 + \\frac{1}{\\mathrm{e}}", "1 - \\frac{1}{e}"), ("x + 1 \\to 2", "x + 1"),
    ("2\\sqrt{3} million", "2\\sqrt{3}"),
]  # fmt: skip
IN_CHARACTERS = [
    ("5\u221a2", "5\\sqrt{2}"), ("2\u221b5", "2\\sqrt[3]{5}"), ("\u221a(x+1)", "\\sqrt{x+1}"),
    ("5\u03b1", "5\\alpha"), ("5ⁿ", "5^n"), ("xⁿ⁺¹", "x^{n+1}"),
    ("(\u2212\u221e, 5) \u222a (7, \u221e)", "(-\\infty,5)\\cup(7,\\infty)"),
    ("θ = π/4", "\\pi/4"), ("x ≤ 5", "x \\le 5"), ("a₁", "a_1"), ("1 - 1/\\mathrm{e}", "1 - 1/e"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "gold"), PARTLY_READ)
def test_an_answer_that_is_read_in_part_does_not_pass(answer, gold):
    assert lenient(f"\\boxed{{{answer}}}", gold).correct is not True
    assert lenient(f"\\boxed{{{gold}}}", answer).correct is not True


@pytest.mark.parametrize(("answer", "gold"), IN_CHARACTERS)
def test_characters_of_mathematics_mean_their_commands(answer, gold):
    assert lenient(f"\\boxed{{{answer}}}", gold).correct is True
