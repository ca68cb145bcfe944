"""Quantities of a text in order; what operators join is one of them: 16 - 3, 2 times 5, 5-10."""

from data.numbers.lexicon import MODULO
from data.numbers.notation import Token
from data.numbers.quantities.number import (
    CALCULATION,
    EXPRESSION,
    NUMBER_WORD,
    RATIO,
    SEVERAL_NUMBERS,
    VARIABLE,
    at,
)
from data.numbers.quantities.quantity import Quantity, quantity_at

OPERATORS = frozenset("+-\u00d7\u00f7*/^")


def quantities(tokens: list[Token]) -> list[Quantity]:
    """The quantities in order; what operators join is one of them, whose value is not computed."""
    result = []
    index = 0
    while index < len(tokens):
        quantity = quantity_at(tokens, index)
        if quantity is not None:
            quantity = _with_both_signs(tokens, _joined(tokens, quantity))
            result.append(quantity)
        index = index + 1 if quantity is None else max(quantity.end, index + 1)
    return result


def _joined(tokens: list[Token], first: Quantity) -> Quantity:
    """`first` with all quantities that operators or words such as `times` join to it."""
    parts, operators = [first], []
    while (length := _operator(tokens, parts[-1].end)) and (
        following := quantity_at(tokens, parts[-1].end + length)
    ):
        operators.append(at(tokens, parts[-1].end))
        parts.append(following)
    if len(parts) == 1:
        return first
    low, high = first.value, parts[-1].value
    end = parts[-1].end
    is_range = len(parts) == 2 and operators[0].text == "-" and not operators[0].spaced
    if is_range and low is not None and high is not None:
        numbers = frozenset({low, high, low - high})
        return Quantity(None, numbers, SEVERAL_NUMBERS, first.start, end)
    if any(operator.text == ":" for operator in operators):
        return Quantity(None, None, RATIO, first.start, end)
    if any(operator.word in MODULO or operator.text == "(" for operator in operators):
        return _remainder(parts, operators)
    in_words = any(operator.word and operator.text != "x" for operator in operators)
    has_variable = any(part.reason == VARIABLE for part in parts)
    reason = VARIABLE if has_variable else NUMBER_WORD if in_words else EXPRESSION
    if reason == EXPRESSION and all(operator.text in "+-\u00d7\u00f7*x" for operator in operators):
        reason = CALCULATION
    return Quantity(None, None, reason, first.start, end)


def _remainder(parts: list[Quantity], operators: list[Token]) -> Quantity:
    """5 mod 3 is 2; 5 (mod 3) is a class of numbers, 2 and 5 among them."""
    start, end = parts[0].start, parts[-1].end
    unread = Quantity(None, None, EXPRESSION, start, end)
    if len(parts) != 2:
        return unread
    number, modulus = (part.value for part in parts)
    if number is None or modulus is None or modulus <= 0:
        return unread
    if number.denominator != 1 or modulus.denominator != 1:
        return unread
    remainder = number % modulus
    if operators[0].text == "(" and number != remainder:
        return Quantity(None, frozenset({number, remainder}), SEVERAL_NUMBERS, start, end)
    return Quantity(remainder, frozenset(), None, start, end)


def _operator(tokens: list[Token], index: int) -> int:
    """How many tokens the operator at tokens[index] has; 0 where there is none."""
    token, following = at(tokens, index), at(tokens, index + 1)
    if token.text == ":" and token.spaced == following.spaced:
        return 1
    if token.kind == "symbol" and (token.text in OPERATORS or token.text == "\u00b1"):
        return 2 if following.text == "(" else 1
    if token.word in MODULO:
        return 1
    if token.text == "(" and following.word in MODULO:
        return 2
    if token.word in ("x", "over", "of", "times", "plus", "minus"):
        return 1
    if token.word in ("divided", "multiplied") and following.word == "by":
        return 2
    if token.word == "to" and following.word == "the" and at(tokens, index + 2).word == "power":
        return 4
    return 0


def _with_both_signs(tokens: list[Token], part: Quantity) -> Quantity:
    """The quantity, which after a plus-minus sign is two."""
    if at(tokens, part.start - 1).text != "\u00b1" or part.value is None:
        return part
    return part._replace(
        value=None, alternatives=frozenset({part.value, -part.value}), reason=SEVERAL_NUMBERS
    )
