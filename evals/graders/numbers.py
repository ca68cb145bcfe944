"""Numbers as people write them, parsed exactly: no floats, no guesses, linear time."""

import re
from fractions import Fraction
from typing import NamedTuple

from data.numbers import ONES, TENS
from evals.graders.number_words import parse_number_words

Number = int | Fraction

MAX_DIGITS = 4_000  # of a number; parsing is quadratic in them, and Python refuses 4,300
MAX_CHARACTERS = 10_000  # of an answer; a longer one is not parsed

SEVERAL_NUMBERS = "the answer holds several numbers"
NUMBER_WORD = "the answer has a number in words"
EXPRESSION = "the answer is an expression"
NO_NUMBER = "the answer holds no number"
TOO_LONG = "the number is too long to be read"
LONG_ANSWER = "the answer is too long to be read"
OTHER_SCALE = "the number can be read at two scales"

_WHOLE = r"\d{1,3}(?:[,\u00a0\u202f\ ]\d{3})+(?!\d)|\d+"
_DECIMAL = rf"(?:{_WHOLE})(?:\.\d*)?|\.\d+"
_NUMBER = re.compile(
    rf"""
    (?P<sign>[-+\u2212]?) \s* (?: (?:[$€£¥]|USD\s|Rs\.?\s) \s* )? (?P<late>[-\u2212]?)
    (?:
        (?P<mixed>\d+)\s+(?P<mixed_top>\d+)\s*/\s*(?P<mixed_bottom>\d+)
      | (?P<top>{_WHOLE})\s*/\s*(?P<bottom>{_WHOLE})
      | (?P<decimal>{_DECIMAL})
        (?:(?:[eE]|\s*[*x\u00d7]\s*10\s*(?:\^|\*\*)\s*)\{{?(?P<exponent>[-+\u2212]?\d+)\}}?)?
    )
    \s* (?P<percent>%|percent\b|per\s+cent\b)?
    """,
    re.VERBOSE | re.ASCII,
)
_PLAINEST = re.compile(r"([-+]?)\$?(\d{1,3}(?:,\d{3})+|\d{1,18})(\.\d{1,18})?", re.ASCII)
# What may follow a number without changing it: `th`, units of one or more words, a full stop.
# Matched one character at a time, because a repetition of words would take exponential time.
_UNIT = re.compile(r"(?:[^\W\d_]|[\s./²³°!])*")
_VARIABLE = re.compile(r"[abcdefijnqrtuvwxyz]\b", re.IGNORECASE)
_PLAIN = re.compile(
    r"[-+\u2212]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|[-+\u2212]?\.\d+", re.ASCII
)
_SCALES = {
    "dozen": 12,
    "hundred": 10**2,
    "thousand": 10**3,
    "k": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
}
_SCALE = re.compile(rf"[\s]*({'|'.join(_SCALES)})s?\b", re.IGNORECASE)
_WORDS = re.compile(
    rf"\b(?:{'|'.join((*ONES, *TENS))}"
    r"|half|halves|thirds?|quarters?|twice|double|dozens?|hundreds?|thousands?|[mbtr]+illions?)\b",
    re.IGNORECASE,
)
_OPERATOR = re.compile(
    r"[\d)}]\s*[-*/\u00d7\u00f7\u2212\u2013]\s*[\d({\\]|[\d)}]\s*[+^]\s*[\d({\\a-z]"
    r"|[\d)}]\s*x\s*\d|[\d)}]\s*\(|\\[A-Za-z]{2}|[\u221a\u03c0\u221e]|\d[a-z]\b"
)
_LIST = re.compile(r"\b(?:or|and)\b|;|,\s")
_LATEX = (
    (re.compile(r"\\[dt]?frac\s*\{\s*(-?\d+)\s*\}\s*\{\s*(\d+)\s*\}"), r" \1/\2"),
    (re.compile(r"\\[dt]?frac\s*(\d)\s*(\d)"), r" \1/\2"),
    (re.compile(r"\^\s*(?:\{\s*)?\\circ\s*\}?|\\degree\b"), "°"),
    (re.compile(r"\^\s*(?:\{\s*)?(?:\\(?:text|mathrm)\s*\{\s*)?(st|nd|rd|th)\b\s*\}{0,2}"), r"\1"),
    (re.compile(r"\\(?:text|textbf|mathrm|mathbf|mbox)\s*\{([^{}]*)\}"), r" \1"),
    (re.compile(r"\\(?:times|cdot)\b"), "x"),
    (re.compile(r"\\(?:left|right)\b|\\[()\[\]!,;: ]"), ""),
    (re.compile(r"\\([$%])"), r"\1"),
    (re.compile(r"\{,\}"), ","),
)


class Reading(NamedTuple):
    """How an answer reads as a number.

    value: the number, or None where the answer is not clearly one number
    alternatives: other numbers that it may mean; None: it may mean any number
    reason: why it is not, or not certainly, one number
    """

    value: Number | None
    alternatives: frozenset[Number] | None = frozenset()
    reason: str | None = None


def parse_plain_number(text: str) -> Number | None:
    """The number `text` if it is written plainly, as -1,200.50 or $7; else None.

    Most answers are, and this takes a twentieth of the time of `read_answer`.
    """
    match = _PLAINEST.fullmatch(text)
    if match is None:
        return None
    sign, whole, decimals = match.groups()
    value: Number = int(whole.replace(",", ""))
    if decimals:
        value += Fraction(int(decimals[1:]), 10 ** (len(decimals) - 1))
    return -value if sign == "-" else value


def parse_number(text: str) -> Number | None:
    """The number `text`, which may have a sign, currency, percent sign or unit, and nothing else.

    "1,200" is 1200, "$1,000.00" is 1000, "2 1/2" is 5/2, "40%" is 40, "3e2" is 300, "12 apples" is
    12. Text with two numbers ("12 or 13") is None.
    """
    if (value := parse_plain_number(text)) is not None:
        return value
    return _single_number(_without_markup(text)).value if len(text) <= MAX_CHARACTERS else None


def read_answer(text: str) -> Reading:
    """The reading of the answer `text`, with the alternatives that it leaves open.

    Of an equation the last side counts: "3 x 4 = 12" is 12. "6 boys or 7" may be 6 or 7.
    """
    if (value := parse_plain_number(text)) is not None:
        return Reading(value)
    if len(text) > MAX_CHARACTERS:
        return Reading(None, None, LONG_ANSWER)
    text = _without_markup(text)
    if "=" in text and not _LIST.search(text):
        text = text.rpartition("=")[2].strip()
    single = _single_number(text)
    return single if single.value is not None or single.reason else _number_in_text(text)


def within_ten_percent(value: Number, gold: Number) -> bool:
    """Whether `value` is within 10 % of `gold`, bounds included. Only 0 is within 10 % of 0."""
    return abs(value - gold) * 10 <= abs(gold)


def _without_markup(text: str) -> str:
    """`text` without LaTeX commands, dollars, Markdown and quotation marks around it."""
    text = text.strip()
    for pattern, replacement in _LATEX:
        text = pattern.sub(replacement, text)
    return text.strip().strip("$*_`\"'").strip()


def _single_number(text: str) -> Reading:
    """The reading of a text that is one number with its unit; else no value and no reason."""
    if (value := parse_number_words(text)) is not None:
        return Reading(value)
    match = _NUMBER.match(text)
    if match is None or not _UNIT.fullmatch(text, match.end()):
        return Reading(None)
    if len(match.group()) > MAX_DIGITS:
        return Reading(None, frozenset(), TOO_LONG)
    value = _value(match)
    if value is None:
        return Reading(None, frozenset(), TOO_LONG if match["exponent"] else EXPRESSION)
    if not match.group()[-1].isspace() and _VARIABLE.match(text, match.end()):
        return Reading(None, None, EXPRESSION)
    if "-" in (match["sign"] + match["late"]).replace("\u2212", "-"):
        value = -value
    if " " in match.group().strip() and (groups := match["decimal"]) and " " in groups:
        return Reading(value, frozenset(Fraction(part) for part in groups.split()), OTHER_SCALE)
    if match["percent"]:
        return Reading(value, frozenset({value / 100}), OTHER_SCALE)
    if scale := _SCALE.match(text, match.end()):
        scaled = value * _SCALES[scale.group(1).lower()]
        return Reading(scaled, frozenset({value}), OTHER_SCALE)
    if _WORDS.search(text, match.end()):
        return Reading(None, None, NUMBER_WORD)
    return Reading(value)


def _value(match: re.Match[str]) -> Fraction | None:
    """The value of a match of _NUMBER, without its sign.

    None: it divides by zero, or is too large to write out.
    """
    if match["mixed"]:
        part = _fraction(match["mixed_top"], match["mixed_bottom"])
        return None if part is None else int(match["mixed"]) + part
    if match["top"]:
        return _fraction(match["top"], match["bottom"])
    exponent = (match["exponent"] or "0").replace("\u2212", "-")
    if len(exponent.lstrip("+-0")) > len(str(MAX_DIGITS)) or abs(int(exponent)) > MAX_DIGITS:
        return None
    return Fraction(_without_separators(match["decimal"])) * Fraction(10) ** int(exponent)


def _fraction(top: str, bottom: str) -> Fraction | None:
    denominator = int(_without_separators(bottom))
    return Fraction(int(_without_separators(top)), denominator) if denominator else None


def _without_separators(text: str) -> str:
    return re.sub(r"[,\s]", "", text)


def _number_in_text(text: str) -> Reading:
    """The reading of a text that is more than one number with its unit."""
    if _OPERATOR.search(text):
        return Reading(None, None, EXPRESSION)
    matches = list(_PLAIN.finditer(text))
    if any(len(match.group()) > MAX_DIGITS for match in matches):
        return Reading(None, frozenset(), TOO_LONG)
    numbers = frozenset(
        Fraction(match.group().replace("\u2212", "-").replace(",", "")) for match in matches
    )
    if _WORDS.search(text):
        return Reading(None, None, NUMBER_WORD)
    if not numbers:
        return Reading(None, numbers, NO_NUMBER)
    if len(numbers) == 1:
        return Reading(next(iter(numbers)))
    return Reading(None, numbers, SEVERAL_NUMBERS)
