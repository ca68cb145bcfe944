r"""Numerals of another base: 101_2, 12_{8}, 1011 base 2. 101_2 and 101_3 are two numbers."""

import re
import unicodedata
from typing import NamedTuple

from data.numbers.lexicon import ONES, plain_characters

BASE = "the numeral may be of another base"

_NAME = r"(\d{1,2}|[a-z]{3,7})(?![^\W_])"
_NUMERAL = re.compile(
    rf"([-+]?)(?<![\w.\\}}^])([0-9][0-9a-z]*)(?:\s?_\s?(?:\{{\s?(?:\\[a-z]+\s?\{{\s?)?(?:base\s?)?{_NAME}"
    rf"\s?\}}{{1,2}}|{_NAME})|\s?\(?(?:in )?base[ -]{_NAME}\)?)?",
    re.IGNORECASE | re.ASCII,
)
_SMALL_DIGITS = re.compile("[\u2080-\u2089]+")
_SPACING = re.compile(r"\\[,;!: ()]|[$,]|\.\s*\Z")


class Numeral(NamedTuple):
    """Digits with their sign, and their base where one is written."""

    digits: str
    base: int | None

    @property
    def value(self) -> int:
        return int(self.digits, self.base or 10)


def has_base(text: str) -> bool:
    """Whether a numeral of `text` has a base: 101_2, but not x_1 or 1_000."""
    if "_" not in text and "base" not in text and text.isascii():
        return False
    return any(_base(match) for match in _NUMERAL.finditer(_plain(text)))


def same_numeral(answer: str, gold: str) -> bool | None:
    """Whether two numerals are the same; None where that is undecided.

    Digits without a base count as those of the reference answer's base, which is the question's.
    The other way round, and one value in two bases, are undecided.
    """
    first, second = _numeral(answer), _numeral(gold)
    if first is None or second is None:
        return None
    if first.digits == second.digits and first.base in (None, second.base):
        return True
    if second.base is None and first.digits == second.digits:
        return None
    if first.base == second.base:
        return False
    is_read = _is_valid(first) and _is_valid(second)
    return False if is_read and first.value != second.value else None


def _numeral(text: str) -> Numeral | None:
    """The numeral that `text` is, or that is the last side of an equation."""
    match = _NUMERAL.fullmatch(_plain(text.rpartition("=")[2]).strip())
    if match is None:
        return None
    numeral = Numeral(f"{match[1].strip('+')}{match[2].lower().lstrip('0') or '0'}", _base(match))
    has_other_subscript = numeral.base is None and match.end(2) < match.end()
    return None if has_other_subscript else numeral


def _plain(text: str) -> str:
    if not text.isascii():
        text = _SMALL_DIGITS.sub(lambda small: f"_{unicodedata.normalize('NFKC', small[0])}", text)
    return _SPACING.sub("", plain_characters(text))


def _base(match: re.Match[str]) -> int | None:
    """The base that is written behind digits, if all of them are digits of it."""
    name = next((name for name in match.groups()[2:] if name), "").lower()
    base = int(name) if name.isdigit() else ONES.get(name, 0)
    return base if 2 <= base <= 36 and _is_valid(Numeral(match[2], base)) else None


def _is_valid(numeral: Numeral) -> bool:
    """Whether each digit is one of the base."""
    digits = numeral.digits.lstrip("-")
    return all(int(digit, 36) < (numeral.base or 10) for digit in digits)
