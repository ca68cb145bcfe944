"""Two short answers are equal, differ, or are undecided."""

import pytest

from data.numbers.equality import same_value

EQUAL = [
    ("0.5", r"\frac{1}{2}"),
    ("1000", "1,000"),
    ("1000", "1{,}000"),
    ("5", "x = 5"),
    ("5", r"5 \text{ cm}"),
    ("5", "5.0"),
    ("A", r"\text{A}"),
    ("(A)", "A"),
    ("B.", "(B)"),
    (r"\frac{1}{2}", r"\frac12"),
    (r"\dfrac{\pi}{2}", r"\frac{\pi}{2}"),
    (r"50\%", "50"),
    (r"\$5", "5"),
    ("-5", "\u22125"),
    ("2\u00bd", "5/2"),
    ("12", "\u0967\u0968"),
    ("1.5 million", "1500000"),
    ("Yes", "yes"),
    ("x+1", "x + 1"),
    ("12 or 13", "12 or 13"),
]
DIFFERENT = [
    ("3", "4"),
    ("5", "-5"),
    ("0.3", r"\frac{1}{3}"),
    ("A", "B"),
    ("1,000", "100"),
    ("7 cm", "8 cm"),
    ("10\u00b2", "10"),
]
UNDECIDED = [
    ("x+1", "1+x"),
    ("(1,2)", "(2,1)"),
    ("0.5", r"50\%"),
    ("1,234", "1.234"),
    ("12 or 13", "12"),
    ("east", "west"),
    ("x", "y"),
    ("5", "red"),
    ("", "5"),
]


@pytest.mark.parametrize(("first", "second"), EQUAL)
def test_equal_answers_in_other_forms_are_equal(first, second):
    assert same_value(first, second) is True
    assert same_value(second, first) is True


@pytest.mark.parametrize(("first", "second"), DIFFERENT)
def test_different_numbers_and_options_differ(first, second):
    assert same_value(first, second) is False
    assert same_value(second, first) is False


@pytest.mark.parametrize(("first", "second"), UNDECIDED)
def test_what_cannot_be_compared_exactly_is_undecided(first, second):
    assert same_value(first, second) is None
    assert same_value(second, first) is None


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2 \\pmod 7", "2 (mod 7)", True),
        ("2 \\pmod 7", "2 \\pmod 5", False),
        ("x \\equiv 2 \\pmod 7", "x \\equiv 2 \\pmod 5", False),
        ("17 mod 5", "5 mod 3", True),  # both are the number 2
        ("2 \\pmod 7", "2", True),
    ],
)
def test_classes_of_other_moduli_differ(first, second, same):
    assert same_value(first, second) is same
    assert same_value(second, first) is same
