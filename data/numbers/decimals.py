"""Decimals: digits with separators of thousands and decimals, as any country writes them."""

import re
from fractions import Fraction
from math import log10
from typing import NamedTuple

Number = int | Fraction

MAX_DIGITS = 4_000  # of a number; parsing is quadratic in them, and Python refuses 4,300
SEPARATORS = re.compile(r"[.,'_ ]")
_EXPONENT = re.compile(r"[eE]([-+]?\d+)\Z", re.ASCII)


class Decimal(NamedTuple):
    """value: as it is read first; alternatives: what it may mean elsewhere; is_list: or a list."""

    value: Number
    alternatives: frozenset[Number] = frozenset()
    is_list: bool = False


def parse_decimal(written: str) -> Decimal | None:
    """The number `written` in digits, separators and an exponent such as e-3; None if it is none.

    1.234,5 and 1,234.5 are one number. 1,234 may be 1.234 in Germany, and 1.234 may be 1234.
    1,5 is 1.5, if it is not a list of two numbers.
    """
    if len(written) > MAX_DIGITS:
        return None
    exponent = _EXPONENT.search(written)
    number = _without_exponent(written[: exponent.start()] if exponent else written)
    if number is None or exponent is None:
        return number
    digits = exponent[1].lstrip("+-0")
    scale = power(10, int(exponent[1])) if len(digits) < 7 else None
    return None if scale is None else Decimal(number.value * scale)


def power(base: Number, exponent: int) -> Number | None:
    """base ** exponent; None where that divides by zero or has more than MAX_DIGITS digits."""
    if base == 0 and exponent < 0:
        return None
    digits = log10(max(abs(base.numerator), base.denominator))
    if abs(exponent) * digits > MAX_DIGITS:
        return None
    return Fraction(base) ** exponent


def is_writable(value: Number) -> bool:
    """Whether a number has at most MAX_DIGITS digits."""
    return max(abs(value.numerator), value.denominator).bit_length() <= 3.3 * MAX_DIGITS


def _without_exponent(written: str) -> Decimal | None:
    kinds = list(dict.fromkeys(SEPARATORS.findall(written)))
    if not kinds:
        return Decimal(int(written))
    if len(kinds) == 1:
        return _one_kind(written, kinds[0])
    if len(kinds) == 2 and written.count(kinds[1]) == 1 and kinds[1] in ".,":
        whole, _, decimals = written.partition(kinds[1])
        groups = whole.split(kinds[0])
        if decimals.isdecimal() and _are_thousands(groups):
            return Decimal(_joined("".join(groups), decimals))
    return None


def _one_kind(written: str, separator: str) -> Decimal | None:
    parts = written.split(separator)
    thousands = _are_thousands(parts)
    if separator in "'_ ":
        alternatives = (
            frozenset(int(part) for part in parts) if separator == " " else frozenset[Number]()
        )
        return Decimal(int("".join(parts)), alternatives) if thousands else None
    if len(parts) > 2:
        return Decimal(int("".join(parts))) if thousands else None
    decimal = _joined(*parts)
    if separator == "." or not parts[0]:
        other = frozenset[Number]({int("".join(parts))} if thousands else ())
        return Decimal(decimal, other)
    if thousands:
        return Decimal(int("".join(parts)), frozenset({decimal}))
    if parts[0] in ("0", "00"):
        return Decimal(decimal)
    return Decimal(decimal, frozenset(int(part) for part in parts if part), is_list=True)


def _are_thousands(groups: list[str]) -> bool:
    """Whether digits are in groups of three, or in lakhs and crores: 12,34,567."""
    first, *rest = groups
    if not rest or not first or first[0] == "0" or len(rest[-1]) != 3:
        return False
    threes = all(len(group) == 3 for group in rest) and len(first) <= 3
    return threes or (len(rest) > 1 and len(first) <= 2 and all(len(g) == 2 for g in rest[:-1]))


def _joined(whole: str, decimals: str) -> Number:
    return Fraction(int(f"{whole}{decimals}" or "0"), 10 ** len(decimals))
