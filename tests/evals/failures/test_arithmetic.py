"""Arithmetic slips: each wrong equation of numbers is detected, and nothing else."""

import csv
import operator
from fractions import Fraction

import pytest
from hypothesis import given, settings, strategies as some

from evals.failures.arithmetic import slips
from tests import ROOT

GSM8K = ROOT.parent / "shared" / "data" / "gsm8k" / "main_train.csv"


@pytest.mark.parametrize(
    "text",
    [
        "16 - 3 - 4 = 9 eggs",
        "10 / 3 = 3.33",
        "10 / 4 = 2.5 and 7 / 2 = 4",
        "$5 * 3 = $15.00",
        "1,200 + 300 = 1,500",
        "(2 + 3) * 4 = 20",
        "20% * 50 = 10",
        "5 - 8 = -3",
        "0.5 - 0.4 = 0.09999999999999998",
        "$2,430 \u2013 ($1,250 + $850) = $2,430 \u2013 $2,100 = $330",
        "3 \\times 4 = 12 \u00f7 1",
    ],
)
def test_a_right_equation_is_no_slip(text):
    assert slips(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "2x + 3 = 7",
        "20% of 50 + 5 = 15",
        "3 1/2 + 1 = 4.5",
        "5 + 3 = 8 + 2 = 10",
        "n/2 + 3 = 8",
        "2 + 2 = 5x",
        "12:30 + 5 = 17",
        "7 = 8",
        "half of 6 + 1 = 4",
        "1/0 = 5",
        "The price of 20 + 3 = 24",
    ],
)
def test_what_is_not_an_equation_of_numbers_is_not_checked(text):
    assert slips(text) == []


@pytest.mark.parametrize(
    ("text", "span", "right"),
    [
        ("So 16 - 3 - 4 = 8 eggs", "16 - 3 - 4 = 8", 9),
        ("<<48/2=25>>", "48/2=25", 24),
        ("7 x 8 = 54.", "7 x 8 = 54", 56),
        ("it costs $4 * 3 = $13", "4 * 3 = $13", 12),
        ("10 / 3 = 3.34", "10 / 3 = 3.34", Fraction(10, 3)),
    ],
)
def test_a_wrong_equation_is_found_with_its_span_and_the_right_result(text, span, right):
    [slip] = slips(text)
    assert text[slip.start : slip.end].lstrip("$") == span
    assert slip.expected == right


SIGNS = {"+": operator.add, "-": operator.sub, "*": operator.mul}


@settings(deadline=None)
@given(
    some.integers(0, 10**6),
    some.sampled_from(sorted(SIGNS)),
    some.integers(0, 10**6),
    some.integers(-3, 3),
)
def test_every_sum_is_judged_as_python_judges_it(a, sign, b, off):
    result = SIGNS[sign](a, b) + off
    wrong = slips(f"Then {a:,} {sign} {b:,} = {result:,} apples.")
    assert [slip.expected for slip in wrong] == ([] if off == 0 else [result - off])


@pytest.mark.parametrize("unit", ["(", "1+", "1 = ", "((1)", "1,", "9" * 50 + "*"])
def test_a_hostile_text_is_read_to_its_end(unit):
    slips(unit * (50_000 // len(unit)) + "= 1")


def test_of_the_solutions_of_gsm8k_few_have_a_slip():
    if not GSM8K.exists():
        pytest.skip("GSM8K is not beside this checkout")
    with GSM8K.open(encoding="utf-8", newline="") as file:
        wrong = [row["answer"] for row in csv.DictReader(file) if slips(row["answer"])]
    # read one by one: all are wrong, such as 4+4+6 = 18 and 70 + 40 = 100
    assert len(wrong) == 15
