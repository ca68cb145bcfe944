r"""What stands before a box in prose: 10 - \boxed{5}, half of \boxed{5}, not \boxed{5}."""

from data.numbers import start_of_function
from data.numbers.beside.bounds import ends_sentence
from data.numbers.lexicon import CHANGES_OF, MINUS_WORDS
from data.numbers.notation import Token, denied_from
from data.numbers.quantities import MAY_BE_DASH, at, quantities

_FUNCTION_WORDS = frozenset(["sin", "cos", "tan", "log", "ln", "sqrt", "cbrt", "exp"])
_MULTIPLES_BEFORE = frozenset(["twice", "thrice", "double", "triple", "half"])
_LABELS = frozenset(
    ["step", "part", "question", "answer", "problem", "case", "method", "example", "option", "day"]
)


def start_in_prose(tokens: list[Token], start: int, index: int) -> int | None:
    """Where the expression begins with what stands before it in prose; None if unreadable."""
    first = _first_of_quantity(tokens, start, index)
    before, more = at(tokens, first - 1), at(tokens, first - 2)
    if before.word in _MULTIPLES_BEFORE | _FUNCTION_WORDS | MINUS_WORDS:
        return None
    if denied_from(tokens, first) is not None:
        return None
    if before.word == "of" and more.word in CHANGES_OF | _MULTIPLES_BEFORE:
        return None
    if before.kind == "latex":
        return None
    if before.text in "\u00b1\u221a{\u00d7\u00f7*/^_\u222a\u2229" and before.kind != "end":
        return None
    if before.text == "|" and not tokens[first].spaced and first < index:
        return None
    is_operand = len(before.word) == 1 and before.text.isascii()
    if is_operand and (not tokens[first].spaced or (first < index and tokens[index].spaced)):
        return None  # x\boxed{5}, x + \boxed{5}
    return None if start_of_function(tokens, index) is not None else first


def _first_of_quantity(tokens: list[Token], start: int, index: int) -> int:
    """Where the quantity of tokens[index] begins, with its sign: -5, 10 - 5, but not Step 2 - 5."""
    low = start
    while low > 0 and start - low < 12 and not ends_sentence(tokens, low - 1):
        low -= 1
    for quantity in quantities(tokens[low : index + 1]):
        first = low + quantity.start
        if quantity.end + low > index and first < start:
            is_label = at(tokens, first - 1).word in _LABELS
            return start if is_label or quantity.reason == MAY_BE_DASH else first
    return start
