"""Numbers are read exactly, as people all over the world write them."""

import time
from fractions import Fraction

import pytest
from hypothesis import given, settings, strategies as st

from data.numbers.decimals import MAX_DIGITS, parse_decimal
from data.numbers.lexicon import words as number_words
from data.numbers.lexicon.words import chinese_value
from data.numbers.notation import clock, same_time
from data.numbers.prose.last import last_quantity
from data.numbers.quantities.number import CALCULATION, EXPRESSION, SEVERAL_NUMBERS
from data.numbers.read import (
    BOUND,
    LONG_ANSWER,
    NO_NUMBER,
    NOT_SOLVED,
    Reading,
    parse_number,
    parse_plain_number,
    read_answer,
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
        ("a dozen", 12),
        ("half a dozen eggs", 6),
        ("two and a half", Fraction(5, 2)),
        ("seven eighths", Fraction(7, 8)),
        ("five thousandths", Fraction(1, 200)),
        ("three point one four", Fraction(157, 50)),
        ("four times", 4),
        ("two percent", 2),
        ("nineteen hundred", 1900),
        ("x = 5", 5),
        ("12 = total", 12),
        ("f(3) = 7", 7),
        ("2^{10}", 1024),
        ("1.5 \u00d7 10\u2076", 1_500_000),
        ("\U0001d7cf\U0001d7d0", 12),
        ("10&nbsp;000", 10_000),
        ("<b>12</b>", 12),
        ("10<sup>3</sup>", 1000),
        ("\u00be", Fraction(3, 4)),
        ("\u4e8c\u767e\u4e94\u5341\u4e07", 2_500_000),
        ("12 m^2", 12),
        ("60 km/h", 60),
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
        "5 pi",
        "1.5.2",
        "3/4/2020",
        "2x + 3 = 13",
        "P(X = 2)",
        ">= 5",
        "x + 1",
        "x - 1",
        "n-1",
        "(x) - 2",
        "x/2",
        "sqrt 25",
        "log(100)",
        "7:30",
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
    ["one or two", "one of them", "two three", "hundred", "twenty eleven", "five thirty",
     "twice as many", "dozens", "not twelve", "more than five", "two times three"],
)  # fmt: skip
def test_words_that_may_say_another_number_are_none(text):
    assert parse_number(text) is None
    assert read_answer(text).value is None


@given(st.integers(-(10**15) + 1, 10**15 - 1))
def test_every_whole_number_in_words_is_read_back(value):
    assert parse_number(spelt(value)) == value


@settings(deadline=None)
@given(st.one_of(st.integers(), st.decimals(allow_nan=False, allow_infinity=False, places=3)))
def test_a_number_written_plainly_is_read_as_the_long_way_reads_it(value):
    for text in (f"{value}", f"{value:,f}" if not isinstance(value, int) else f"{value:,}"):
        quick = parse_plain_number(text)
        assert quick is None or quick == read_answer(f"{text} ").value  # a space is not plain
        assert parse_number(f" {text} apples") == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("16 - 3 - 4", CALCULATION),
        ("3 x 4", CALCULATION),
        ("\\sqrt{25}", EXPRESSION),
        ("\\frac{\\pi}{2}", EXPRESSION),
        ("9" * 20_000, LONG_ANSWER),
    ],
)
def test_what_may_be_any_number_says_why(text, reason):
    assert read_answer(text) == Reading(None, None, reason)


@pytest.mark.parametrize("text", ["at least 5", "5 or more", "x < 5", "not 5", "5 is wrong"])
def test_a_bound_or_a_denied_number_is_no_value(text):
    assert read_answer(text) == Reading(None, frozenset({5}), BOUND)


def test_an_equation_that_is_not_solved_is_not_its_right_side():
    assert read_answer("2x + 3 = 13") == Reading(None, frozenset({13}), NOT_SOLVED)


@pytest.mark.parametrize(
    ("text", "value", "others"),
    [
        ("40%", 40, {Fraction(2, 5)}),
        ("5 million", 5_000_000, {5}),
        ("12 500", 12_500, {12, 500}),
        ("1,234", 1234, {Fraction(617, 500)}),
        ("1.234", Fraction(617, 500), {1234}),
        ("12,5", Fraction(25, 2), {12, 5}),
        ("\u20147", -7, {7}),
        ("Answer - 42", 42, {-42}),
        ("5!", None, {5, 120}),
        ("5-10", None, {5, 10, -5}),
        ("\\pm 5", None, {5, -5}),
        ("2 hours 30 minutes", None, {2, 30, 150, Fraction(5, 2)}),
        ("2:00 pm", None, {2, 14, 120}),
    ],
)
def test_what_may_be_read_in_several_ways_has_several_values(text, value, others):
    reading = read_answer(text)
    assert (reading.value, reading.alternatives) == (value, others)
    assert reading.reason


@settings(deadline=None)  # the machine may be busy
@given(st.text())
def test_reading_never_fails_and_never_raises_a_warning(text):
    for answer in (text, f"{text}5{text}", f"\\frac{{{text}}}{{2}}", f"5 {text}", f"x = {text}"):
        read_answer(answer)
        last_quantity(answer)
        clock(answer)


PIECES = (
    "1 1/2 ", "1,", "1.", "1 234 ", "-", "minus ", "$", "twenty-", "one hundred ", "2^2", "1/", "=",
    "{,}", "\\frac{1}{2}", "\\text{", "**", "\u00b2", "\u00bd", "\u4e07", "5!", "k", "percent ",
    "and a half ",
    " ", "(", "&amp;", "\u00d710^", "x", "12:30 ", "<b>", "~", "\\", "e5", "per cent ", "or ", "_",
)  # fmt: skip


@pytest.mark.parametrize("piece", PIECES)
def test_reading_takes_linear_time(piece):
    start = time.process_time()
    text = piece * (200_000 // len(piece))
    read_answer(text[:10_000])
    last_quantity(text)
    assert time.process_time() - start < 2  # measured 0.1 s; a quadratic rule would take minutes


@given(st.integers(1, 10**12), st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", ".")]))
def test_thousands_and_decimals_are_read_in_the_style_of_every_country(value, marks):
    thousands, point = marks
    written = f"{value:,}".replace(",", thousands) + f"{point}25"
    decimal = parse_decimal(written)
    assert decimal is not None
    assert decimal.value == value + Fraction(1, 4)


def test_a_number_of_too_many_digits_is_not_computed():
    assert parse_decimal("1" * (MAX_DIGITS + 1)) is None
    assert parse_decimal("12,345.1,234") is None
    assert read_answer("2^{99999999}").value is None
    assert read_answer("1e3999").value == 10**3999


@pytest.mark.parametrize(
    ("numeral", "value"),
    [("\u5341", 10), ("\u5341\u4e8c", 12), ("\u56db\u5341\u4e8c", 42),
     ("\u4e00\u767e\u96f6\u4e94", 105), ("\u4e09\u5343\u4e07", 30_000_000),
     ("\u4e8c\u3007\u4e8c\u516d", 2026), ("\u4e09\u56db", None), ("\u4e07", None)],
)  # fmt: skip
def test_chinese_numerals(numeral, value):
    assert chinese_value(numeral) == value


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("7:30 PM", "7:30 p.m.", True),
        ("19:30", "7:30 pm", True),
        ("7:30 a.m.", "7:30 pm", False),
        ("7:30", "7:30 pm", None),
        ("7:30", "7:31 pm", False),
        ("12:00 am", "00:00", True),
        ("noon", "12:00", None),
        ("7 p. m.", "7:00 PM", True),
    ],
)
def test_times_of_day(first, second, same):
    times = clock(first), clock(second)
    assert (same_time(times[0], times[1]) if times[0] and times[1] else None) is same


def test_a_number_alone_is_no_time():
    assert [clock(text) for text in ("7", "25:00", "7:75", "13 pm", "1/2")] == [None] * 5


@pytest.mark.parametrize(
    ("text", "quantity"),
    [
        ("So the temperature is \u22125 degrees.", "-5 degrees"),
        ("Altogether 1 1/2 cups.", "1 1/2 cups"),
        ("That is $1,234.50 in all.", "$1,234.50"),
        ("There are 12 000 people.", "12 000"),
        ("H2O has 3 atoms", "3"),
        ("about 18 H2O", "18"),
        ("It is twelve", "twelve"),
        ("Answer - 42 apples", "42"),
        ("It is - 42", "- 42"),
        ("no number", None),
        ("3\n\nwords after it", "3"),
    ],
)
def test_the_last_quantity_of_prose_is_whole(text, quantity):
    last = last_quantity(text)
    assert (last[0] if last else None) == quantity


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


def test_small_digits_are_no_digits_of_a_fraction():
    assert read_answer("2\u2081/ 30 minutes").value is None
