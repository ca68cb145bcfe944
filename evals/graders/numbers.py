"""Numbers as people write them, read exactly: no floats, nothing guessed, in linear time."""

import re
from fractions import Fraction
from typing import NamedTuple

from evals.graders.number_words import in_words

Number = int | Fraction

MAX_DIGITS = 4_000  # of a number; reading costs the square of it, and Python refuses 4,300
MAX_CHARACTERS = 10_000  # of an answer; a longer one is not looked into

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
# What follows a number without changing it: `th`, units of one or more words, a full stop. One
# character at a time: a repetition of words would take exponential time.
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
    r"\b(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
    r"|(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty"
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
    """What an answer says.

    value: the number that it is, or None where that cannot be told
    others: numbers that it may mean otherwise; None: it may mean any number
    reason: why it is not, or not surely, one number
    """

    value: Number | None
    others: frozenset[Number] | None = frozenset()
    reason: str | None = None


def plain(text: str) -> Number | None:
    """The number that `text` is if it is written plainly, as -1,200.50 or $7; else None.

    Most answers are; to read them so takes a twentieth of the time of `read`.
    """
    found = _PLAINEST.fullmatch(text)
    if found is None:
        return None
    sign, whole, decimals = found.groups()
    value: Number = int(whole.replace(",", ""))
    if decimals:
        value += Fraction(int(decimals[1:]), 10 ** (len(decimals) - 1))
    return -value if sign == "-" else value


def number(text: str) -> Number | None:
    """The number that `text` is: with sign, currency, percent sign or unit, and nothing else.

    "1,200" is 1200, "$1,000.00" is 1000, "2 1/2" is 5/2, "40%" is 40, "3e2" is 300, "12 apples" is
    12. Whatever holds two numbers ("12 or 13") is none: None.
    """
    if (value := plain(text)) is not None:
        return value
    return _alone(_plain(text)).value if len(text) <= MAX_CHARACTERS else None


def read(text: str) -> Reading:
    """What the answer `text` says, as far as it can be told.

    Of an equation the last side counts: "3 x 4 = 12" is 12. "6 boys or 7" may be 6 or 7.
    """
    if (value := plain(text)) is not None:
        return Reading(value)
    if len(text) > MAX_CHARACTERS:
        return Reading(None, None, LONG_ANSWER)
    text = _plain(text)
    if "=" in text and not _LIST.search(text):
        text = text.rpartition("=")[2].strip()
    alone = _alone(text)
    return alone if alone.value is not None or alone.reason else _within(text)


def within_tenth(value: Number, gold: Number) -> bool:
    """Whether `value` lies within 10 % of `gold`, bounds included. Only 0 is near 0."""
    return abs(value - gold) * 10 <= abs(gold)


def _plain(text: str) -> str:
    text = text.strip()
    for pattern, plain in _LATEX:
        text = pattern.sub(plain, text)
    return text.strip().strip("$*_`\"'").strip()


def _alone(text: str) -> Reading:
    """The reading of a text that is one number with its unit; without value and reason if not."""
    if (value := in_words(text)) is not None:
        return Reading(value)
    found = _NUMBER.match(text)
    if found is None or not _UNIT.fullmatch(text, found.end()):
        return Reading(None)
    if len(found.group()) > MAX_DIGITS:
        return Reading(None, frozenset(), TOO_LONG)
    value = _value(found)
    if value is None:
        return Reading(None, frozenset(), TOO_LONG if found["exponent"] else EXPRESSION)
    if not found.group()[-1].isspace() and _VARIABLE.match(text, found.end()):
        return Reading(None, None, EXPRESSION)
    if "-" in (found["sign"] + found["late"]).replace("\u2212", "-"):
        value = -value
    if " " in found.group().strip() and (groups := found["decimal"]) and " " in groups:
        return Reading(value, frozenset(Fraction(part) for part in groups.split()), OTHER_SCALE)
    if found["percent"]:
        return Reading(value, frozenset({value / 100}), OTHER_SCALE)
    if scale := _SCALE.match(text, found.end()):
        scaled = value * _SCALES[scale.group(1).lower()]
        return Reading(scaled, frozenset({value}), OTHER_SCALE)
    if _WORDS.search(text, found.end()):
        return Reading(None, None, NUMBER_WORD)
    return Reading(value)


def _value(found: re.Match[str]) -> Fraction | None:
    """None: divided by zero, or too large to write out."""
    if found["mixed"]:
        part = _fraction(found["mixed_top"], found["mixed_bottom"])
        return None if part is None else int(found["mixed"]) + part
    if found["top"]:
        return _fraction(found["top"], found["bottom"])
    exponent = (found["exponent"] or "0").replace("\u2212", "-")
    if len(exponent.lstrip("+-0")) > len(str(MAX_DIGITS)) or abs(int(exponent)) > MAX_DIGITS:
        return None
    return Fraction(_digits(found["decimal"])) * Fraction(10) ** int(exponent)


def _fraction(top: str, bottom: str) -> Fraction | None:
    below = int(_digits(bottom))
    return Fraction(int(_digits(top)), below) if below else None


def _digits(text: str) -> str:
    return re.sub(r"[,\s]", "", text)


def _within(text: str) -> Reading:
    """The reading of a text that says more than a number."""
    if _OPERATOR.search(text):
        return Reading(None, None, EXPRESSION)
    found = list(_PLAIN.finditer(text))
    if any(len(match.group()) > MAX_DIGITS for match in found):
        return Reading(None, frozenset(), TOO_LONG)
    numbers = frozenset(
        Fraction(match.group().replace("\u2212", "-").replace(",", "")) for match in found
    )
    if _WORDS.search(text):
        return Reading(None, None, NUMBER_WORD)
    if not numbers:
        return Reading(None, numbers, NO_NUMBER)
    if len(numbers) == 1:
        return Reading(next(iter(numbers)))
    return Reading(None, numbers, SEVERAL_NUMBERS)
