r"""Numerals of another base: 101_2, 12_{8}, 1011 base 2. 101_2 and 101_3 are two numbers."""

import re
import unicodedata
from typing import NamedTuple

from data.numbers.lexicon import ONES, plain_characters

BASE = "the numeral may be of another base"

_NAME = r"(\d{1,2}|[a-z]{3,11})(?![^\W_])"
_NUMERAL = re.compile(
    rf"([-+]?)(?<![\w.\\}}^])([0-9a-z]+)(?:\s?_\s?(?:\{{\s?(?:\\[a-z]+\s?\{{\s?)?(?:base\s?)?{_NAME}"
    rf"\s?\}}{{1,2}}|{_NAME})|\s?\(?(?:in )?base[ -]{_NAME}\)?)?",
    re.IGNORECASE | re.ASCII,
)
# hexadecimal digits as programs write them, or in a font or in brackets: \text{FF}_{16}, (FF)_{16}
_PREFIXED = re.compile(r"(?<![\w.\\])0x([0-9a-f]{1,40})(?!\w)", re.IGNORECASE | re.ASCII)
_AROUND_DIGITS = re.compile(
    r"(?<![\w.\\)\]}])(?:\\(?:text|math)[a-z]{0,2}\s?\{\s?\(?|\()([0-9a-z]{1,40})[)}]{1,2}(?=\s?_)",
    re.IGNORECASE | re.ASCII,
)
_NAMES = {"hex": 16, "hexadecimal": 16, "binary": 2, "octal": 8, "decimal": 10}
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
    """Whether a numeral of `text` has a base: 101_2 and FF_{16}, but not x_1, a_{16} or 1_000."""
    return _may_have_base(text) and any(_base(match) for match in _NUMERAL.finditer(_plain(text)))


def _may_have_base(text: str) -> bool:
    return not text.isascii() or any(sign in text for sign in ("_", "base", "0x"))


def are_numerals(answer: str, gold: str) -> bool:
    """Whether both texts are nothing but numerals, and one of them has a base.

    Unlike for `has_base`, A_{16} may be ten, as there is nothing else that it would be equal to.
    """
    if not (_may_have_base(answer) or _may_have_base(gold)):
        return False
    numerals = _numeral(answer), _numeral(gold)
    return None not in numerals and any(numeral and numeral.base for numeral in numerals)


def same_numeral(answer: str, gold: str) -> bool | None:
    """Whether two numerals are the same; None where that is undecided.

    Digits without a base count as those of the reference answer's base, which is the question's.
    The other way round, and one value in two bases, are undecided.
    """
    first, second = _numeral(answer), _numeral(gold)
    if first is None or second is None:
        return None
    first, second = _with_base_of(first, second), _with_base_of(second, first)
    if not (_is_valid(first) and _is_valid(second)):
        return True if first == second else None
    if first.digits == second.digits and first.base in (None, second.base):
        return True
    if first.digits == second.digits and second.base is None:
        return True if first.base == 10 else None
    if first.base == second.base:
        return False
    return False if first.value != second.value else None


def _with_base_of(numeral: Numeral, other: Numeral) -> Numeral:
    """`numeral` in the base of the other, where it has none and cannot be decimal: FF."""
    if numeral.base is not None or _is_valid(numeral):
        return numeral
    return numeral._replace(base=other.base)


def _numeral(text: str) -> Numeral | None:
    """The numeral that `text` is, or that is the last side of an equation."""
    match = _NUMERAL.fullmatch(_plain(text.rpartition("=")[2]).strip())
    if match is None:
        return None
    base = _base(match, alone=True)
    has_other_subscript = base is None and match.end(2) < match.end()
    if has_other_subscript or not (match[2][0].isdecimal() or _are_letters_of_digits(match[2])):
        return None
    return Numeral(f"{match[1].strip('+')}{match[2].lower().lstrip('0') or '0'}", base)


def _plain(text: str) -> str:
    if not text.isascii():
        text = _SMALL_DIGITS.sub(lambda small: f"_{unicodedata.normalize('NFKC', small[0])}", text)
    text = _SPACING.sub("", plain_characters(text))
    if "_" in text:
        text = _AROUND_DIGITS.sub(r"\1", text)
    return _PREFIXED.sub(r"\1_16", text) if "0x" in text.lower() else text


def _base(match: re.Match[str], alone: bool = False) -> int | None:
    """The base that is written behind digits, if all of them are digits of it.

    Digits that begin with a letter may be a name or a product. They are digits as two capitals or
    more; as small letters only in base 16, since a b_{12} is a product; alone, also as one capital.
    """
    name = next((name for name in match.groups()[2:] if name), "").lower()
    base = int(name) if name.isdecimal() else ONES.get(name, 0) or _NAMES.get(name, 0)
    if not 2 <= base <= 36 or not _is_valid(Numeral(match[2], base)):
        return None
    digits = match[2]
    if digits[0].isdecimal():
        return base
    if not _are_letters_of_digits(digits) or not (alone or len(digits) > 1):
        return None
    is_subscript = match[5] is None  # "we add base 16 numerals" has no numeral
    has_digit = any(character.isdecimal() for character in digits)
    is_hexadecimal = base == 16 and (alone or is_subscript)
    return base if digits.isupper() or has_digit or is_hexadecimal else None


def _are_letters_of_digits(digits: str) -> bool:
    """Whether digits that begin with a letter may be a numeral: FF, ff or A, but not Ff or a."""
    return digits.isupper() or (digits.islower() and len(digits) > 1)


def _is_valid(numeral: Numeral) -> bool:
    """Whether each digit is one of the base."""
    digits = numeral.digits.lstrip("-")
    return all(int(digit, 36) < (numeral.base or 10) for digit in digits)
