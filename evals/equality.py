"""Numbers as people write them, read exactly: no floats, nothing guessed."""

import re
from fractions import Fraction

MAX_DIGITS = 400  # more is no answer, and would only cost time
MAX_EXPONENT = 400

_WHOLE = r"\d{1,3}(?:,\d{3})+|\d+"
_DECIMAL = rf"(?:{_WHOLE})(?:\.\d+)?|\.\d+"
# between the number and the end: a unit of one or more words, or punctuation
_NUMBER = re.compile(
    rf"""
    (?P<sign>[-+\u2212]?) \s* (?P<money>[$€£¥]|USD\s|Rs\.?\s)? \s* (?P<late>[-\u2212]?)
    (?:
        (?P<mixed>\d+)\s+(?P<mixed_top>\d+)\s*/\s*(?P<mixed_bottom>\d+)
      | (?P<top>{_WHOLE})\s*/\s*(?P<bottom>{_WHOLE})
      | (?P<decimal>{_DECIMAL})(?:\s*(?:[eE]|[x×]\s*10\s*\^)\s*\{{?(?P<exponent>[-+]?\d+)\}}?)?
    )
    \s* (?P<percent>%|percent\b|per\s+cent\b)?
    """,
    re.VERBOSE,
)
_LATEX = (
    (re.compile(r"\\d?t?frac\s*\{\s*(-?\d+)\s*\}\s*\{\s*(\d+)\s*\}"), r"\1/\2"),
    (re.compile(r"\\text\s*\{([^{}]*)\}"), r" \1"),
    (re.compile(r"\\[,;! ]|\\(?:left|right)"), ""),
    (re.compile(r"\\([$%])"), r"\1"),
    (re.compile(r"\{,\}"), ","),
)
_UNIT = re.compile(r"[\s.]*(?:[^\W\d_]+[\s./²³^°]*)*[.!]?\s*")


def number(text: str) -> Fraction | None:
    """The number that `text` is: with sign, currency, percent sign or unit, and no other number.

    "1,200" is 1200, "$1,000.00" is 1000, "2 1/2" is 5/2, "40%" is 40, "3e2" is 300, "12 apples" is
    12. Whatever holds two numbers ("12 or 13", "3 x 4 = 12") is none: None.
    """
    text = text.strip().strip("$*_`").strip()
    if len(text) > 2_000:
        return None
    for pattern, plain in _LATEX:
        text = pattern.sub(plain, text)
    found = _NUMBER.match(text.strip())
    if found is None or not _UNIT.fullmatch(text.strip()[found.end() :]):
        return None
    value = _value(found)
    if value is None:
        return None
    negative = "-" in (sign := found["sign"] + found["late"]) or "\u2212" in sign
    return -value if negative else value


def _value(found: re.Match[str]) -> Fraction | None:
    if len(found.group()) > MAX_DIGITS:
        return None
    if found["mixed"]:
        bottom = int(found["mixed_bottom"])
        return Fraction(int(found["mixed"]) * bottom + int(found["mixed_top"]), bottom) if bottom else None
    if found["top"]:
        bottom = int(found["bottom"].replace(",", ""))
        return Fraction(int(found["top"].replace(",", "")), bottom) if bottom else None
    exponent = int(found["exponent"][:9]) if found["exponent"] else 0
    if abs(exponent) > MAX_EXPONENT:
        return None
    return Fraction(found["decimal"].replace(",", "")) * Fraction(10) ** exponent


def within_tenth(value: Fraction, gold: Fraction) -> bool:
    """Whether `value` lies within 10 % of `gold`, bounds included. Zero is near zero only."""
    return abs(value - gold) * 10 <= abs(gold)


def same_words(text: str, gold: str) -> bool:
    """Whether two answers that are no numbers are the same, but for case, spaces and a full stop."""
    return _folded(text) == _folded(gold)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".")
