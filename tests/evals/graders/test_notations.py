"""Ratios, bases, functions, sums of scales, repeating decimals and remainders as answers."""

import pytest

from evals.graders.compare import compare
from evals.graders.rules import lenient
from evals.graders.symbolic.worker import FAILED, judge_within

NOT_THE_NUMBER = [
    ("5:1", "5"), ("10:2", "5"), ("5 : 1", "5"), ("5:1:1", "5"), ("15:3", "5"), ("1:5", "5"),
    ("12_{8}", "12"), ("12_8", "12"), ("12_{\\text{eight}}", "12"), ("12₈", "12"),
    ("12 base 8", "12"),
    ("101_2", "101_3"), ("101_{2}", "101_{3}"), ("1A_{16}", "1A_{12}"),
    ("7_8", "7_9"), ("-11_2", "11_2"),
    ("f(5)", "5"), ("g'(5)", "5"), ("f^{-1}(5)", "5"), ("f_1(5)", "5"),
    ("2f(5)", "5"), ("P[5]", "5"),
]  # fmt: skip
RIGHT = [
    ("3:4", "3/4"), ("5:1", "5:1"), ("101_{3}", "101_3"), ("101", "101_3"), ("12_8", "12_{8}"),
    ("f(5) = 12", "12"), ("12 = f(5)", "12"), ("1_000", "1000"), ("x_1 = 5", "5"),
    ("2 dozen and 3", "27"), ("5 hundred and 20", "520"), ("1 million 200 thousand", "1200000"),
    ("2 thousand 500", "2500"), ("3万5千", "35000"), ("1 lakh 20 thousand", "120000"),
    ("0.\\overline{3}", "1/3"), ("0.(3)", "1/3"), ("0.1\\overline{6}", "\\frac{1}{6}"),
    ("-2.\\bar{3}", "-7/3"), ("33.\\overline{3}\\%", "100/3"), ("0.(142857)", "1/7"),
    ("5 \\mod 3", "2"), ("17 \\bmod 5", "2"), ("5 mod 3", "2"), ("-1 mod 7", "6"),
    ("2 \\pmod{3}", "2"),
]  # fmt: skip
RIGHT += [
    ("\uff11\uff0c\uff12\uff13\uff14", "1234"), ("12\uff0c345", "12345"), ("⑤", "5"), ("⑫", "12"),
    ("1\uff0c234\uff0c567", "1234567"), ("\u2164", "5"), ("❺", "5"), ("2 Millionen", "2000000"),
    ("2,5 millones", "2500000"), ("3 Milliarden", "3000000000"), ("5 тысяч", "5000"),
    ("5 triệu", "5000000"), ("|5|", "5"), ("|-5|", "5"), ("{2, 3}", "\\{3, 2\\}"),
    ("2, 3", "\\{2, 3\\}"),
]  # fmt: skip
UNDECIDED = [
    ("(2,3)", "\\{2,3\\}"), ("[3, 2]", "\\{2, 3\\}"),
    ("\\left(2,3\\right)", "\\left\\{2,3\\right\\}"),
    ("12\uff0c345", "345"), ("2 Millionen", "2"),
    ("0.333...", "1/3"), ("0.1666\\ldots", "1/6"), ("2 dozen and 3", "24"),
    ("2 dozen and 3", "3"),
    ("a dozen and a half", "18"), ("a dozen and a half", "12.5"), ("5 (mod 3)", "2"),
    ("5 \\pmod{3}", "2"), ("12_8", "10"), ("1010_2", "10"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "gold"), NOT_THE_NUMBER)
def test_what_only_contains_the_number_does_not_pass_for_it(answer, gold):
    assert lenient(f"\\boxed{{{answer}}}", gold).correct is not True
    assert lenient(f"So it is {answer}", gold).correct is not True


@pytest.mark.parametrize(("answer", "gold"), RIGHT)
def test_the_number_in_another_notation_passes(answer, gold):
    assert lenient(f"\\boxed{{{answer}}}", gold).correct is True


@pytest.mark.parametrize(("answer", "gold"), UNDECIDED)
def test_what_may_mean_the_number_is_unknown(answer, gold):
    score = lenient(f"\\boxed{{{answer}}}", gold)
    assert score.correct is None
    assert score.reason


@pytest.mark.parametrize("answer", ["\\frac{5 \\mod 3}{x}", "x \\mod 0", "(1,2) \\mod 3"])
def test_the_library_never_fails_with_the_name_of_an_exception(answer):
    _, _, reason = judge_within("x", answer, 5.0)
    assert reason is None or "Error" not in reason
    assert FAILED == "the symbolic grader cannot compute with this answer"


@pytest.mark.parametrize(
    ("answer", "gold", "correct"),
    [
        ("5_{10}", "5", True), ("123_10", "123", True), ("-7_{ 10 }", "-7", True),
        ("5_{10}", "6", False), ("101_{2}", "101", None), ("12_{8}", "12", None),
    ],
)  # fmt: skip
def test_base_ten_is_the_plain_number(answer, gold, correct):
    assert compare(answer, gold).correct is correct


@pytest.mark.parametrize(
    ("answer", "gold", "correct"),
    [
        # digits that are letters: one value in two bases is undecided, as 12_{8} is for 10
        ("FF_{16}", "255", None), ("FF_{16}", "254", False), ("BAD_{16}", "2989", None),
        ("AB_{12}", "131", None), ("0xFF", "255", None), ("FF base 16", "255", None),
        ("FF_{16}", "FE_{16}", False), ("FF_{16}", "FF_{12}", None), ("FE", "FF_{16}", False),
        ("FF_16", "FF_{16}", True), ("FF", "FF_{16}", True), ("FF_{16}", "FF", True),
        ("ff_{16}", "FF_{16}", True), ("\\text{FF}_{16}", "FF_{16}", True),
        ("(FF)_{16}", "FF_16", True), ("FF\u2081\u2086", "FF_{16}", True),
        ("FF_{\\text{hex}}", "FF_{16}", True), ("0xFF", "FF_{16}", True),
        ("FF (base 16)", "FF_{16}", True), ("-FF_{16}", "FF_{16}", False),
        ("(101)_2", "101_2", True), ("(101)_{2}", "101", None), ("(123)_{10}", "123", True),
        # one capital is a numeral only where both texts are nothing else
        ("A_{16}", "10", None), ("A_{16}", "11", False), ("A", "A_{16}", True),
        ("A_16", "A_{16}", True),
        # terms of a sequence, products and words are no numerals: these verdicts are as before
        ("a_{16}", "10", False), ("x_{12}", "12", False), ("a_{16}", "16", False),
        ("ab_{12}", "131", False), ("x_{12}", "x_12", True), ("B_{12}", "12", False),
        ("we add base 16 numerals", "2781", False), ("no", "101_2", None),
    ],
)  # fmt: skip
def test_digits_may_be_letters_where_the_base_has_them(answer, gold, correct):
    assert compare(answer, gold).correct is correct


CONGRUENCES = ["x \\equiv 2 \\pmod 5", "x \\equiv 2 \\pmod{5}", "x \\equiv 2 \\bmod 5",
               "x \\equiv 2 (mod 5)", "x \\equiv 2 mod 5", "x \u2261 2 (mod 5)", "2 \\pmod 5",
               "n\\equiv2\\pmod5", "x \\equiv 2 \\ (\\text{mod } 5)", "x \\equiv 2 \\mod 5",
               "2 (\\bmod 5)", "x \\equiv 2 (modulo 5)"]  # fmt: skip


@pytest.mark.parametrize("answer", CONGRUENCES)
def test_a_congruence_reads_alike_however_its_modulus_is_written(answer):
    assert lenient(f"\\boxed{{{answer}}}", "2").correct is True
    assert lenient(f"So ${answer}$.", "2").correct is True
    assert lenient(f"\\boxed{{{answer}}}", "3").correct is False
    assert lenient("\\boxed{2}", answer).correct is True
    assert lenient("\\boxed{3}", answer).correct is False
    undecided = answer.replace("2", "7", 1)
    assert lenient(f"\\boxed{{{undecided}}}", "2").correct is None
    assert lenient(f"\\boxed{{{undecided}}}", "7").correct is None


@pytest.mark.parametrize(
    ("answer", "gold", "correct"),
    [
        ("2 \\pmod{7}", "2 \\pmod{5}", False), ("x \\equiv 2 \\pmod 7", "2 (mod 5)", False),
        ("2 \\pmod{12}", "2 \\pmod 12", True), ("2", "2 \\pmod{5}", True),
        ("7 mod 5", "2 \\pmod 5", True), ("x \u2261 2 mod 12", "x \\equiv 2 \\pmod{12}", True),
    ],
)  # fmt: skip
def test_classes_of_two_moduli_are_unequal(answer, gold, correct):
    assert compare(answer, gold).correct is correct


OTHER_MODULI = [
    "x \\equiv 2\\ (\\text{mod}\\ 7)", "x \\equiv 2 \\bmod 7", "x = 2 \\bmod 7", "2 \\mod 7",
    "2 \\ (\\mathrm{mod}\\ 7)", "2 (Mod 7)", "2 (MOD 7)", "2 mod 7", "2(mod7)", "2 \\pmod{7^{2}}",
    "2 (modulo 7)", "2 {\\rm mod} 7", "2 \\left(\\bmod 7\\right)", "2 \\text{ (mod 7)}", "2_mod_7",
    "2 \\pmod{10^9+7}", "1 or 2 (mod 7)", "2 (**mod** 7)", "2 (mod 2 \\cdot 5)",
]  # fmt: skip


@pytest.mark.parametrize("answer", OTHER_MODULI)
@pytest.mark.parametrize("gold", ["x \\equiv 2 \\pmod 5", "2 \\pmod{5}", "x \\equiv 2 \\bmod 5"])
def test_another_modulus_in_any_markup_is_wrong(answer, gold):
    assert compare(answer, gold).correct is False
    assert compare(gold, answer).correct is False


@pytest.mark.parametrize("answer", ["2 (mod n)", "2 (mod 1,5)", "2 (mod 5 and 7)", "2 (mod 5, 7)",
                                    "2 \\pmod{2.5}", "2 (mod five)", "2 \\bmod{5}+1",
                                    "2 (mod 0)", "x \\equiv 2", "2 mod 7 times 3",
                                    "2 mod"])  # fmt: skip
def test_a_modulus_that_is_not_read_is_never_correct(answer):
    assert compare(answer, "2 \\pmod 5").correct is not True
    assert compare("2 \\pmod 5", answer).correct is not True


@pytest.mark.parametrize(
    "moduli",
    [("1000", "1{,}000", "1,000"), ("2^4", "16", "2^{4}"), ("5^2", "25"), ("2\\cdot 5", "10"),
     ("10^9+7", "1000000007", "10^{9} + 7", "1{,}000{,}000{,}007"), ("2^{10}-1", "1023")],
)  # fmt: skip
def test_one_modulus_may_be_written_in_several_ways(moduli):
    forms = [form for modulus in moduli
             for form in (f"3 \\pmod{{{modulus}}}", f"3 (mod {modulus})")]  # fmt: skip
    assert {compare(one, other).correct for one in forms for other in forms} == {True}


def test_two_remainders_may_be_one_number():
    assert compare("12 mod 10", "17 mod 5").correct is None
    assert compare("17 mod 5 = 2", "2").correct is True
    assert compare("2 models", "2").correct is True
    assert compare("2 \\pmod n", "2 \\pmod n").correct is True
