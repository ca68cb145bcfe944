"""Answers are extracted from the format and from common styles; numbers are parsed exactly."""

from fractions import Fraction

import pytest
from hypothesis import given, settings, strategies as st

from data.numbers import words as number_words
from data.response_format import render
from evals.graders import extract
from evals.graders.numbers import (
    NO_NUMBER,
    SEVERAL_NUMBERS,
    Reading,
    parse_number,
    parse_plain_number,
    read_answer,
    within_ten_percent,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,200", 1200),
        ("1,234,567.5", Fraction(2469135, 2)),
        ("$1,000.00", 1000),
        ("-$5", -5),
        ("$-5", -5),
        ("\u22125", -5),
        ("+5", 5),
        ("1/2", Fraction(1, 2)),
        ("-2 1/2", Fraction(-5, 2)),
        ("\\frac{3}{4}", Fraction(3, 4)),
        ("2\\frac{1}{2}", Fraction(5, 2)),
        ("\\dfrac12", Fraction(1, 2)),
        ("0.1", Fraction(1, 10)),
        (".5", Fraction(1, 2)),
        ("5.", 5),
        ("3e2", 300),
        ("1.5E-3", Fraction(3, 2000)),
        ("3 \\times 10^{2}", 300),
        ("1e0000000001", 10),
        ("40%", 40),
        ("40 percent", 40),
        ("12 apples", 12),
        ("\\$18 \\text{ dollars}", 18),
        ("**7**", 7),
        ("\\(7\\)", 7),
        ("90^\\circ", 90),
        ("6th", 6),
        ("5 million", 5_000_000),
        ("2 dozen", 24),
        ("twelve", 12),
        ("Twenty-one apples.", 21),
        ("minus three hundred and five dollars", -305),
        ("two million one hundred thousand and six", 2_100_006),
        ("three months", 3),
    ],
)
def test_a_number_is_read_as_people_write_it(text, value):
    assert parse_number(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        ".",
        "12 or 13",
        "1,2000",
        "12,34",
        "1/0",
        "5x",
        "x",
        "a dozen",
        "inf",
        "1e999999999",
    ],
)
def test_what_is_not_one_number_is_none(text):
    assert parse_number(text) is None


def test_the_last_side_of_an_equation_is_what_it_says():
    assert read_answer("3 x 4 = 12") == Reading(Fraction(12))


def test_two_numbers_stay_two():
    both = frozenset({Fraction(12), Fraction(13)})
    assert read_answer("12 or 13") == Reading(None, both, SEVERAL_NUMBERS)


def test_equations_in_a_list_are_not_one_equation():
    assert read_answer("x = 5 or x = 6").value is None


@pytest.mark.parametrize(
    "text",
    ["one or two", "one of them", "two and a half", "two three", "hundred", "twenty eleven",
     "five thousandths", "seven eighths", "four times", "five thirty", "a dozen", "two percent"],
)  # fmt: skip
def test_words_that_may_say_another_number_are_none(text):
    assert parse_number(text) is None
    assert read_answer(text).value is None


@given(st.integers(-(10**15) + 1, 10**15 - 1))
def test_every_whole_number_in_words_is_read_back(value):
    assert parse_number(spelt(value)) == value


def spelt(value: int) -> str:
    """As people say it: nineteen hundred is one thousand nine hundred."""
    if value < 0:
        return f"minus {spelt(-value)}"
    if value < 20:
        return number_words.SMALL_NUMBERS[value]
    if value < 100:
        tens = number_words.ROUND_NUMBERS[value // 10 - 2]
        return f"{tens}-{spelt(value % 10)}" if value % 10 else tens
    name, size = "hundred", 100
    for word, scale in number_words.SCALES.items():
        if value >= scale:
            name, size = word, scale
    rest = f" and {spelt(value % size)}" if value % size else ""
    return f"{spelt(value // size)} {name}{rest}"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is 5. Final answer: 6", "6"),
        ("Final answer: 6. The answer is 5", "5"),
        ("#### 3\nA: 4", "4"),
        ("#### 3\nthe answer is clear", "3"),
    ],
)
def test_of_several_announcements_the_last_one_counts(text, answer):
    assert extract.last_announced(text) == answer


@settings(deadline=None)
@given(st.one_of(st.integers(), st.decimals(allow_nan=False, allow_infinity=False, places=3)))
def test_a_number_written_plainly_is_read_as_the_long_way_reads_it(value):
    for text in (f"{value}", f"{value:,f}" if not isinstance(value, int) else f"{value:,}"):
        quick = parse_plain_number(text)
        assert quick is None or quick == read_answer(f"{text} ").value  # a space is not plain
        assert parse_number(f" {text} apples") == value


def test_an_expression_may_be_any_number():
    assert read_answer("16 - 3 - 4").alternatives is None


def test_words_without_a_number_say_none():
    assert read_answer("no idea") == Reading(None, frozenset(), NO_NUMBER)


@settings(deadline=None)  # the machine may be busy
@given(st.fractions())
def test_every_fraction_is_read_back(value):
    assert parse_number(f"{value.numerator}/{value.denominator}") == value


@settings(deadline=None)  # the machine may be busy
@given(st.decimals(allow_nan=False, allow_infinity=False, places=6))
def test_every_decimal_is_read_back(value):
    assert parse_number(f"{value:,f}") == Fraction(value)


@settings(deadline=None)  # the machine may be busy
@given(st.text(), st.text())
def test_reading_never_fails(text, more):
    read_answer(text + "5" + more)
    extract.find_answer(text + "\\boxed{" + more)


def test_ten_percent_includes_its_bounds_and_zero_is_near_zero_only():
    assert [within_ten_percent(Fraction(v), Fraction(100)) for v in (89, 90, 110, 111)] == [
        False,
        True,
        True,
        False,
    ]
    assert within_ten_percent(Fraction(0), Fraction(0))
    assert not within_ten_percent(Fraction(1, 100), Fraction(0))


plain = st.text().filter(lambda text: "<" not in text and bool(text.strip()))


@settings(deadline=None)  # the machine may be busy
@given(plain, plain)
def test_what_training_renders_is_well_formed(reasoning, answer):
    assert extract.well_formed(render(reasoning, answer)) == extract.Blocks(reasoning, answer)


@settings(deadline=None)  # the machine may be busy
@given(plain, plain, plain)
def test_nothing_may_stand_around_or_between_the_blocks(reasoning, answer, more):
    text = render(reasoning, answer)
    assert extract.well_formed(text + more) is None
    assert extract.well_formed(more + text) is None
    assert extract.well_formed(text.replace("\n<answer>", f"{more}<answer>")) is None


def test_the_last_box_with_balanced_braces_counts():
    assert extract.last_box("\\boxed{1} then \\boxed{\\frac{3}{4}} done}") == "\\frac{3}{4}"
    assert extract.last_box("\\boxed{3") is None


def test_an_announcement_without_a_number_announces_nothing():
    assert extract.last_announced("The answer is 7.\nI think the answer is correct.") == "7"


def test_a_hyphen_after_a_word_is_no_sign():
    assert extract.last_number("on route-66") == "66"
    assert extract.last_number("it fell to -66") == "-66"


def test_a_comma_after_a_number_is_no_part_of_it():
    assert extract.last_number("earlier I had 16, so") == "16"
