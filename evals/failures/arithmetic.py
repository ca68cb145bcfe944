"""Arithmetic that a text writes out: each `16 - 3 - 4 = 9` is checked exactly.

What holds a variable, a word or a unit between its numbers is not checked: nothing is guessed.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from data.errors import UserError

LONGEST = 160  # characters of one side
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
_SAME = {"x": "*", "\u00d7": "*", "\\times": "*", "\\cdot": "*", "\u00f7": "/", "\\div": "/"}
_SAME |= {"\u2212": "-", "\u2013": "-"}
# what makes the side only the end of a longer expression
_GOES_ON = re.compile(
    r"(?:[-+*/x\u00d7\u00f7^=(){}\\_%\u2212\u2013]\s*|[\w:.,]"
    r"|\b(?:of|times|plus|minus|by|and|per|from|than)\s+)\Z",
    re.IGNORECASE,
)
_MORE = re.compile(
    r"\s*(?:[-+*/^\u00d7\u00f7\u2212\u2013%(]|x\s*\d|\.\d|\\|/|\d{3}\b|and\s+\(?\d+/\d)"
)
_FRACTION = re.compile(r"(?<![\d./])(\d+/\d+)(?![\d./])")  # written close together: 200 / 2/3
_CENTS = re.compile(r"\s*cents?\b")
BINARY = Fraction(1, 10**12)  # of the result: what floats lose
DEEPEST = 40  # brackets in one another


@dataclass(frozen=True)
class Slip:
    """text[start:end] says `said`, and it is `right`."""

    start: int
    end: int
    said: Fraction
    right: Fraction


class _NotArithmetic(UserError):
    """The side holds something else than numbers and their signs."""


def slips(text: str) -> list[Slip]:
    """The equations of numbers in `text` that are wrong, in order.

    A result that is rounded to the digits it has is right: 10 / 3 = 3.33. So is what a calculator
    makes of it in binary, 0.5 - 0.4 = 0.09999999999999998, and dollars that became cents.
    """
    found = []
    at = 0
    while match := _SIDE.search(text, at):
        at = match.end()
        slip = _slip(text, match)
        found += [slip] if slip else []
    return found


def _slip(text: str, match: re.Match[str]) -> Slip | None:
    before = text[max(0, match.start() - 12) : match.start()]
    result = _RESULT.match(text, match.end())
    side = match["side"]
    if (
        result is None
        or _GOES_ON.search(before)
        or not re.search(r"[-+*/x\u00d7\u00f7\u2212\u2013]", side)
    ):
        return None
    if _MORE.match(text, result.end()) or text[result.end() : result.end() + 1].isalpha():
        return None
    said = re.sub(r"[\s,$]", "", result["whole"]).replace("\u2212", "-")
    value = Fraction(said) / (100 if result["percent"] else 1)
    try:
        close = _FRACTION.sub(r"(\1)", side)
        readings = {_value(one, share) for one in (side, close) for share in (True, False)}
    except (_NotArithmetic, ZeroDivisionError):
        return None
    allowed = readings
    if "$" in match["side"] + result[0] or _CENTS.match(text, result.end()):
        allowed = readings | {one * 100 for one in readings} | {one / 100 for one in readings}
    slack = Fraction(1, 2 * 10 ** len(said.partition(".")[2])) / (100 if result["percent"] else 1)
    if any(_is_said(right, value, slack, "." in said) for right in allowed):
        return None
    return Slip(match.start(), result.end(), value, min(readings, key=lambda x: abs(x - value)))


def _is_said(right: Fraction, said: Fraction, slack: Fraction, decimals: bool) -> bool:
    """Equal, or rounded; a whole number is a rounded one only where the result is none."""
    if right == said:
        return True
    may_round = decimals or right.denominator != 1
    return may_round and abs(right - said) <= max(slack, abs(right) * BINARY)


def _value(side: str, percent_is_share: bool) -> Fraction:
    """What the side comes to, by the usual precedence. More than one number, or it is none."""
    tokens = _tokens(side, percent_is_share)
    if sum(isinstance(token, Fraction) for token in tokens) < 2:
        raise _NotArithmetic
    value, rest = _sum(tokens, 0, 0)
    if rest != len(tokens):
        raise _NotArithmetic
    return value


def _tokens(side: str, percent_is_share: bool) -> list[Fraction | str]:
    found: list[Fraction | str] = []
    at, end = 0, len(side.rstrip())
    while at < end:
        match = _TOKEN.match(side, at)
        if match is None:
            raise _NotArithmetic
        if match["number"]:
            number = Fraction(match["number"].replace(",", ""))
            found.append(number / 100 if match["percent"] and percent_is_share else number)
        elif match["sign"]:
            found.append(_SAME.get(match["sign"], match["sign"]))
        at = match.end()
    return found


def _sum(tokens: list[Fraction | str], at: int, depth: int) -> tuple[Fraction, int]:
    value, at = _product(tokens, at, depth)
    while at < len(tokens) and tokens[at] in ("+", "-"):
        sign = 1 if tokens[at] == "+" else -1
        more, at = _product(tokens, at + 1, depth)
        value += sign * more
    return value, at


def _product(tokens: list[Fraction | str], at: int, depth: int) -> tuple[Fraction, int]:
    value, at = _factor(tokens, at, depth)
    while at < len(tokens) and tokens[at] in ("*", "/"):
        sign = tokens[at]
        more, at = _factor(tokens, at + 1, depth)
        value = value * more if sign == "*" else value / more
    return value, at


def _factor(tokens: list[Fraction | str], at: int, depth: int) -> tuple[Fraction, int]:
    if at >= len(tokens) or depth > DEEPEST:
        raise _NotArithmetic
    token = tokens[at]
    if isinstance(token, Fraction):
        return token, at + 1
    if token == "-":
        value, at = _factor(tokens, at + 1, depth + 1)
        return -value, at
    if token == "(":
        value, at = _sum(tokens, at + 1, depth + 1)
        if at >= len(tokens) or tokens[at] != ")":
            raise _NotArithmetic
        return value, at + 1
    raise _NotArithmetic
