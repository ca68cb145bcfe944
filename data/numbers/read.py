"""Readings: an exact value, several values, or unreadable with the reason. Linear time."""

import re
import unicodedata
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from data.numbers.decimals import Number
from data.numbers.equations import (
    ABOUT,
    CONGRUENT,
    is_algebra,
    is_unsolved,
    of_a_class,
    sides_of,
    start_of_function,
)
from data.numbers.lexicon import (
    BOUNDS_BEFORE,
    CHANGES_OF,
    FUNCTIONS,
    LONG_DASH,
    MINUS_WORDS,
    MULTIPLES,
    plain_characters,
)
from data.numbers.notation import (
    MAX_TOKENS,
    Token,
    denied_from,
    denied_until,
    tokens_of,
    without_markup,
)
from data.numbers.quantities import (
    EXPRESSION,
    FUNCTION,
    NUMBER_WORD,
    OPERATORS,
    OTHER_SCALE,
    SEVERAL_NUMBERS,
    Quantity,
    Unit,
    at,
    end_of_unit,
    quantities,
    ratios,
    unit_of,
)

MAX_CHARACTERS = 10_000  # of an answer; a longer one is not parsed

BOUND = "the answer is a bound, or is denied"
NO_NUMBER = "the answer holds no number"
NOT_SOLVED = "the answer is an equation that is not solved"
VALUE_OF_EXPRESSION = "the answer is the value of an expression"
LONG_ANSWER = "the answer is too long to be read"

_PLAINEST = re.compile(r"([-+]?)\$?(\d{1,3}(?:,\d{3})+|\d{1,18})(\.\d{1,18})?", re.ASCII)
DOLLARS = Unit("$")
_BENIGN = frozenset(".,;:!?()[]{}\"'#*=~\u2248\u2026&\u00b0\u00b1" + LONG_DASH)
_RELATIONS = frozenset("<>\u2264\u2265\u2260")
_LIST_WORDS = frozenset({"or", "and"})


class Reading(NamedTuple):
    """How an answer reads as a number.

    value: the number, or None where the answer is not clearly one number
    alternatives: other numbers that it may mean; None: it may mean any number
    reason: why it is not, or not certainly, one number
    unit: its unit, of 2 hours 30 minutes the last one
    total: in this unit, of a quantity in several units: 150
    """

    value: Number | None
    alternatives: frozenset[Number] | None = frozenset()
    reason: str | None = None
    unit: Unit | None = None
    total: Number | None = None


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
    """The number `text`, which may have a sign, currency, percent sign or unit.

    "1,200" is 1200, "$1,000.00" is 1000, "2 1/2" is 5/2, "40%" is 40, "3e2" is 300, "12 apples" is
    12. Text with two numbers ("12 or 13") is None, and so is "12,5", which may be a list.
    """
    reading = read_answer(text)
    is_sure = reading.reason not in (SEVERAL_NUMBERS, VALUE_OF_EXPRESSION)
    return reading.value if is_sure else None


def read_answer(text: str) -> Reading:
    """The reading of the answer `text`, with the alternatives that it leaves open.

    Of an equation the last side with a number counts: "3 x 4 = 12" is 12, and "12 = x" too.
    "6 boys or 7" may be 6 or 7.
    """
    value = parse_plain_number(text)
    if value is not None and not may_mean_another(text):
        return Reading(value, unit=DOLLARS) if "$" in text else Reading(value)
    return Reading(None, None, LONG_ANSWER) if len(text) > MAX_CHARACTERS else _read(text)


def may_mean_another(text: str) -> bool:
    """Whether one group of three digits follows a comma or a point: 1,234 and 1.234."""
    return text[-4:-3] in (",", ".")


@lru_cache(maxsize=1 << 14)  # the samples of a problem often have the same answer
def _read(text: str) -> Reading:
    tokens = tokens_of(without_markup(plain_characters(text)))
    if len(tokens) > MAX_TOKENS:
        return Reading(None, None, LONG_ANSWER)
    sides = sides_of(tokens)
    if len(sides) == 1 and any(token.text == "=" for token in tokens):
        return Reading(None, None, EXPRESSION)  # P(X = 2)
    if len(sides) == 1 or _is_list(tokens):
        return _reading(tokens)
    sides = [(sign, of_a_class(side) if sign == CONGRUENT else side) for sign, side in sides]
    readings = [(sign, _reading(side)) for sign, side in sides]
    readings = [item for item in readings if item[1].reason not in (NO_NUMBER, FUNCTION)]
    if not readings:
        return _reading(tokens)
    sign, last = readings[-1]
    if last.value is not None and any(is_unsolved(other) for _, other in sides):
        return Reading(None, frozenset({last.value}), NOT_SOLVED)
    if sign == ABOUT and len(readings) > 1:  # 1/3, which is about 0.33
        exact = readings[-2][1]
        if exact.value is not None and exact.alternatives is not None and last.value is not None:
            return Reading(exact.value, exact.alternatives | {last.value}, OTHER_SCALE)
    if last.value is not None and any(is_algebra(other) for _, other in sides):
        return last._replace(reason=VALUE_OF_EXPRESSION)
    return last


def _is_list(tokens: list[Token]) -> bool:
    """Whether there are several answers: x = 5 or x = 6."""
    return any(token.word in _LIST_WORDS or token.text in (",", ";") for token in tokens)


def _rest(tokens: list[Token], parts: list[Quantity]) -> list[tuple[int, Token]]:
    """The tokens that belong to no quantity, with their index."""
    covered = {index for part in parts for index in range(part.start, part.end)}
    return [(index, token) for index, token in enumerate(tokens) if index not in covered]


def _reading(tokens: list[Token]) -> Reading:
    """The reading of the tokens of a text, or of one side of an equation."""
    parts = quantities(tokens)
    reason = _changed_by_its_neighbours(tokens, parts)
    if reason is not None:
        bounds = {part.value for part in parts if part.value is not None}
        is_bound = reason == BOUND and len(bounds) == len(parts)
        return Reading(None, frozenset(bounds) if is_bound else None, reason)
    if not parts:
        return Reading(None, frozenset(), NO_NUMBER)
    unclear = [part for part in parts if part.alternatives is None]
    if unclear:
        return Reading(None, None, unclear[0].reason)
    if len(parts) > 1 and (total := _measured(tokens, parts)):
        return total
    unit = _common_unit(tokens, parts)
    values = {part.value for part in parts}
    alternatives = frozenset(other for part in parts for other in part.alternatives or ())
    [*reasons] = dict.fromkeys(part.reason for part in parts if part.reason)
    if len(values) == 1:
        [value] = values
        alternatives = alternatives - {value} if value is not None else alternatives
        return Reading(value, alternatives, reasons[0] if reasons else None, unit)
    numbers = frozenset(value for value in values if value is not None)
    common = frozenset.intersection(
        *(frozenset({part.value}) | (part.alternatives or frozenset()) for part in parts)
    )
    if len(common) == 1 and (value := next(iter(common))) is not None:  # 0.05 (5 %)
        return Reading(value, (numbers | alternatives) - common, OTHER_SCALE, unit)
    return Reading(None, numbers | alternatives, SEVERAL_NUMBERS, unit)


def _common_unit(tokens: list[Token], parts: list[Quantity]) -> Unit | None:
    """The unit of all parts that have one, or None."""
    units = {unit for part in parts if (unit := unit_of(tokens, part)) is not None}
    return next(iter(units)) if len(units) == 1 else None


def _changed_by_its_neighbours(tokens: list[Token], parts: list[Quantity]) -> str | None:
    """Why the quantities of a text do not read as they stand, or None where they do."""
    for part in parts:
        reason = _changed_from_before(tokens, part) or _changed_from_behind(tokens, part.end)
        if reason is not None:
            return reason
    rest = _rest(tokens, parts)
    if any(token.text in _RELATIONS for _, token in rest):
        return BOUND
    if any(_is_mathematics(tokens, index) for index, _ in rest):
        return EXPRESSION
    if any(token.word in MULTIPLES for _, token in rest):
        return NUMBER_WORD
    return None


def _changed_from_before(tokens: list[Token], part: Quantity) -> str | None:
    """How what stands before a quantity changes it: at least 5, not 5, log 5, f(5), root of 5."""
    before = at(tokens, part.start - 1)
    if before.word in BOUNDS_BEFORE or denied_from(tokens, part.start) is not None:
        return BOUND
    if before.word in FUNCTIONS or _is_operand(tokens, part.start):
        return EXPRESSION
    if before.word == "of" and at(tokens, part.start - 2).word in CHANGES_OF:
        return EXPRESSION
    if before.word in MINUS_WORDS:
        return NUMBER_WORD
    if part.is_list and before.text in ("(", "[", "{"):  # an interval or a pair
        return EXPRESSION
    return FUNCTION if start_of_function(tokens, part.start) is not None else None


def _changed_from_behind(tokens: list[Token], end: int) -> str | None:
    """How what stands behind a quantity changes it: 5 or more, 5 less than x, 5 is wrong."""
    after, more = at(tokens, end), at(tokens, end + 1)
    if after.word == "or" and more.word in ("more", "less", "fewer", "greater", "higher"):
        return BOUND
    if after.word == "than" or (after.word == "more" and more.word == "than"):
        return NUMBER_WORD
    if denied_until(tokens, end) is not None:
        return BOUND
    return NUMBER_WORD if after.word.endswith(("illionth", "illionths")) else None


def _is_operand(tokens: list[Token], index: int) -> bool:
    """Whether the sign at tokens[index] is an operator after a letter or a bracket: x + 1."""
    before = at(tokens, index - 1)
    is_left_operand = before.text == ")" or (len(before.word) == 1 and before.text.isascii())
    return tokens[index].text in ("+", "-") and is_left_operand


def _is_mathematics(tokens: list[Token], index: int) -> bool:
    """Whether tokens[index], which belongs to no quantity, is part of a formula."""
    token, before, after = tokens[index], at(tokens, index - 1), at(tokens, index + 1)
    is_function = token.word in FUNCTIONS and after.text == "("
    if token.kind == "latex" or token.text in ("\u03c0", "\u221e") or is_function:
        return True
    if token.kind == "power":
        return before.kind != "word"
    if token.text == "{" and before.kind == "word" and not token.spaced:
        return True
    return token.kind == "symbol" and _is_operator_sign(tokens, index)


def _is_operator_sign(tokens: list[Token], index: int) -> bool:
    """Whether a symbol calculates: a + b; not the hyphen of twenty-foot, and/or, or of a list."""
    token, before, after = tokens[index], at(tokens, index - 1), at(tokens, index + 1)
    if token.text == "*" and before.kind == "number" and len(after.word) == 1:  # 18 * x
        return token.spaced == after.spaced and after.word not in "ai"
    if token.text in _BENIGN:
        return False
    if token.text in "-/":
        is_word = len(before.word) > 1 or len(after.word) > 1
        return not (is_word or (index == 0 and after.spaced))
    return token.text in OPERATORS or unicodedata.category(token.text) in ("Sm", "Pc")


def _measured(tokens: list[Token], parts: list[Quantity]) -> Reading | None:
    """The reading of 2 hours 30 minutes, which may be given in either unit."""
    units = [unit_of(tokens, part) for part in parts]
    total, factors = Fraction(0), [Fraction(1)]
    for part, unit, smaller in zip(parts, units, units[1:] + units[-1:], strict=True):
        factor = None if unit is None or smaller is None else max(ratios(unit, smaller), default=0)
        is_last = part is parts[-1]
        if part.value is None or not factor or (factor <= 1 and not is_last):
            return None
        total = (total + part.value) * (1 if is_last else factor)
        factors = [factor * other for other in factors] + ([] if is_last else [Fraction(1)])
    numbers = frozenset(part.value for part in parts if part.value is not None)
    numbers |= {total / factor for factor in factors}
    is_joined = all(_are_joined(tokens, one.end, two.start) for one, two in pairwise(parts))
    return Reading(None, numbers, SEVERAL_NUMBERS, units[-1], total if is_joined else None)


def _are_joined(tokens: list[Token], end: int, start: int) -> bool:
    """Whether only `and` or a comma stands between two quantities, besides a unit."""
    between = tokens[end_of_unit(tokens, end) : start]
    return all(token.text == "," or token.word == "and" for token in between)
