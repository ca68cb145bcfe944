"""Arithmetic slips: each equation of numbers in a text, as `16 - 3 - 4 = 9`, is checked exactly.

Equations with a variable, a word or a unit between the numbers are skipped; nothing is guessed.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from data.errors import UserError

LONGEST = 160  # [characters] of one side
_SIDE = re.compile(
    rf"(?P<side>(?:[-\u2212(]\s?)?[$(]?[\d.](?:[\d\s$,.()+*/x\u00d7\u00f7%\u2212\u2013-]|\\times|\\div|\\cdot"
    rf"){{0,{LONGEST}}})=",
)
_RESULT = re.compile(
    r"\s*(?:\$\s?)?(?P<whole>[-\u2212]?\s?\$?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?)(?P<percent>\s?%)?"
)
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)(?P<percent>\s?%)?"
    r"|(?P<sign>[-+*/()\u00d7\u00f7\u2212\u2013]|x(?=\s*[\d($.])|\\times|\\div|\\cdot)|(?P<money>\$))"
)
_ASCII_SIGN = {"x": "*", "\u00d7": "*", "\\times": "*", "\\cdot": "*", "\u00f7": "/", "\\div": "/"}
_ASCII_SIGN |= {"\u2212": "-", "\u2013": "-"}
# Text before the side that makes it the end of a longer expression.
_CONTINUES_BEFORE = re.compile(
    r"(?:[-+*/x\u00d7\u00f7^=(){}\\_%\u2212\u2013]\s*|[\w:.,]"
    r"|\b(?:of|times|plus|minus|by|and|per|from|than)\s+)\Z",
    re.IGNORECASE,
)
_CONTINUES_AFTER = re.compile(
    r"\s*(?:[-+*/^\u00d7\u00f7\u2212\u2013%(]|x\s*\d|\.\d|\\|/|\d{3}\b|and\s+\(?\d+/\d)"
)
_FRACTION = re.compile(r"(?<![\d./])(\d+/\d+)(?![\d./])")  # binds tighter: 200 / 2/3
_CENTS = re.compile(r"\s*cents?\b")
FLOAT_ERROR = Fraction(1, 10**12)  # relative rounding error of a calculator's floats
MAX_DEPTH = 40  # of nested brackets


@dataclass(frozen=True)
class Slip:
    """The equation text[start:end] has the result `result`; `expected` is correct."""

    start: int
    end: int
    result: Fraction
    expected: Fraction


class _NotArithmetic(UserError):
    """The side contains something other than numbers and operators."""


def slips(text: str) -> list[Slip]:
    """The equations of numbers in `text` that are wrong, in order.

    A result rounded to its number of digits is correct: 10 / 3 = 3.33. So are the float errors of a
    calculator, 0.5 - 0.4 = 0.09999999999999998, and dollars converted to cents.
    """
    wrong = []
    position = 0
    while match := _SIDE.search(text, position):
        position = match.end()
        slip = _slip(text, match)
        wrong += [slip] if slip else []
    return wrong


def _slip(text: str, match: re.Match[str]) -> Slip | None:
    """The slip of one equation whose left side is `match`, or None if it is correct or unclear."""
    side, result = match["side"], _RESULT.match(text, match.end())
    if result is None or not _is_whole_equation(text, match, result):
        return None
    digits = re.sub(r"[\s,$]", "", result["whole"]).replace("\u2212", "-")
    unit = 100 if result["percent"] else 1
    value = Fraction(digits) / unit
    try:
        tight_fractions = _FRACTION.sub(r"(\1)", side)
        readings = {_value(s, share) for s in (side, tight_fractions) for share in (True, False)}
    except (_NotArithmetic, ZeroDivisionError):
        return None
    accepted = readings
    if "$" in side + result[0] or _CENTS.match(text, result.end()):
        accepted = readings | {r * 100 for r in readings} | {r / 100 for r in readings}
    rounding = Fraction(1, 2 * 10 ** len(digits.partition(".")[2])) / unit
    if any(_matches(expected, value, rounding, "." in digits) for expected in accepted):
        return None
    nearest = min(readings, key=lambda reading: abs(reading - value))
    return Slip(match.start(), result.end(), value, nearest)


def _is_whole_equation(text: str, side: re.Match[str], result: re.Match[str]) -> bool:
    """Whether there is an operator, and the equation is not a part of a longer expression."""
    before = text[max(0, side.start() - 12) : side.start()]
    if _CONTINUES_BEFORE.search(before) or not re.search(
        r"[-+*/x\u00d7\u00f7\u2212\u2013]", side["side"]
    ):
        return False
    next_character = text[result.end() : result.end() + 1]
    return not _CONTINUES_AFTER.match(text, result.end()) and not next_character.isalpha()


def _matches(expected: Fraction, result: Fraction, rounding: Fraction, has_decimals: bool) -> bool:
    """Equal, or equal after rounding. A whole result may round only an expected non-integer."""
    if expected == result:
        return True
    may_round = has_decimals or expected.denominator != 1
    return may_round and abs(expected - result) <= max(rounding, abs(expected) * FLOAT_ERROR)


def _value(side: str, percent_is_share: bool) -> Fraction:
    """The value of the side by the usual precedence; _NotArithmetic unless it has two numbers."""
    tokens = _tokens(side, percent_is_share)
    if sum(isinstance(token, Fraction) for token in tokens) < 2:
        raise _NotArithmetic
    value, end = _sum(tokens, 0, 0)
    if end != len(tokens):
        raise _NotArithmetic
    return value


def _tokens(side: str, percent_is_share: bool) -> list[Fraction | str]:
    tokens: list[Fraction | str] = []
    position, end = 0, len(side.rstrip())
    while position < end:
        match = _TOKEN.match(side, position)
        if match is None:
            raise _NotArithmetic
        if match["number"]:
            number = Fraction(match["number"].replace(",", ""))
            tokens.append(number / 100 if match["percent"] and percent_is_share else number)
        elif match["sign"]:
            tokens.append(_ASCII_SIGN.get(match["sign"], match["sign"]))
        position = match.end()
    return tokens


# A recursive descent parser: each function returns a value and the index of the next token.


def _sum(tokens: list[Fraction | str], i: int, depth: int) -> tuple[Fraction, int]:
    value, i = _product(tokens, i, depth)
    while i < len(tokens) and tokens[i] in ("+", "-"):
        sign = 1 if tokens[i] == "+" else -1
        term, i = _product(tokens, i + 1, depth)
        value += sign * term
    return value, i


def _product(tokens: list[Fraction | str], i: int, depth: int) -> tuple[Fraction, int]:
    value, i = _factor(tokens, i, depth)
    while i < len(tokens) and tokens[i] in ("*", "/"):
        sign = tokens[i]
        factor, i = _factor(tokens, i + 1, depth)
        value = value * factor if sign == "*" else value / factor
    return value, i


def _factor(tokens: list[Fraction | str], i: int, depth: int) -> tuple[Fraction, int]:
    if i >= len(tokens) or depth > MAX_DEPTH:
        raise _NotArithmetic
    token = tokens[i]
    if isinstance(token, Fraction):
        return token, i + 1
    if token == "-":
        value, i = _factor(tokens, i + 1, depth + 1)
        return -value, i
    if token == "(":
        value, i = _sum(tokens, i + 1, depth + 1)
        if i >= len(tokens) or tokens[i] != ")":
            raise _NotArithmetic
        return value, i + 1
    raise _NotArithmetic
