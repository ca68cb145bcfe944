r"""What stands behind a box in prose: \boxed{5} or 6, \boxed{5} million, \boxed{5} is wrong."""

import re
import unicodedata

from data.numbers import same_value
from data.numbers.beside.bounds import ends_sentence, stops
from data.numbers.lexicon import CHANGES_AFTER, SCALE_NAMES, UNIT_LETTERS, UNITS, unit_name
from data.numbers.notation import Token, denied_until
from data.numbers.quantities import OPERATORS, at, number_at, quantities

_OPERATOR_SIGNS = OPERATORS | frozenset("\u222a\u2229\u2216\u2218\u00b1")
_MORE = frozenset(
    ["more", "less", "fewer", "greater", "higher", "lower", "above", "below", "over", "under", "up"]
)
_OTHERS = frozenset({"or", "to", "through", "and", ",", "&"})
_AFTER_A_LABEL = frozenset({")", ":", "'", "&"})
_VERBS = frozenset({"is", "are", "was", "were", "more", "less", "has", "have", "of", "in", "at"})
_MAYBE = frozenset({"maybe", "possibly", "perhaps", "either", "even", "probably", "just", "("})
_END_OF_CLAUSE = frozenset({"", ".", ",", ";", ":", "!", "?", ")", "*", "or", "and"})
_END_OF_CLAUSE = frozenset({"", ".", ",", ";", ":", "!", "?", ")", "*", "or", "and"})


def end_in_prose(tokens: list[Token], index: int, end: int, content: str) -> int | None:
    """Where the expression ends with what stands behind it in prose; None if unreadable."""
    high = end
    while high < len(tokens) and not ends_sentence(tokens, high):
        high += 1
    quantity = next(
        (item for item in quantities(tokens[:high]) if item.start <= index < item.end), None
    )
    end = max(end, quantity.end if quantity else end)
    if _is_mathematics(tokens, end):
        while end < len(tokens) and not stops(tokens, end):
            end += 1
        return end
    if _is_denied(tokens, end) or _has_another(tokens, end, content):
        return None
    after, more = at(tokens, end), at(tokens, end + 1)
    if after.text == "+" and not after.spaced and more.kind != "number":  # 5+
        return None
    if after.kind == "number" and (len(after.text) == 3 or more.text == "/"):
        return None  # \boxed{5} 000
    bracket = int(after.text == "(") + int("in" in (after.word, more.word))
    word = at(tokens, end + bracket)
    if word.word in SCALE_NAMES or word.word == "base":
        return min(end + bracket + 1 + int(word.word == "base"), len(tokens))
    return None if _is_measured(tokens, end) else end


def _is_mathematics(tokens: list[Token], end: int) -> bool:
    """Whether a formula goes on at tokens[end], outside of dollars: \\sqrt{2}, + C, ^2, (x + 1)."""
    token, following = at(tokens, end), at(tokens, end + 1)
    is_operand = (
        following.kind == "latex"
        or following.text in ("(", "\u221a")
        or (
            len(following.word) == 1
            and following.text.isascii()
            and not (following.text in "aAI" and at(tokens, end + 2).kind == "word")
        )
    )
    if token.kind in ("latex", "power") or token.text in ("\u03c0", "\u221a", "\u221e"):
        return True
    if token.kind == "symbol" and token.text in _OPERATOR_SIGNS:
        return is_operand and not (token.text == "-" and not token.spaced and following.spaced)
    if token.kind != "end" and unicodedata.category(token.text[0]) == "No":  # \u2082
        return True
    if token.spaced:
        is_letter = len(token.text) == 1 and token.kind == "word" and token.text.isascii()
        is_last = following.kind in ("end", "symbol") and following.text not in _AFTER_A_LABEL
        return token.word in CHANGES_AFTER or (
            is_letter and is_last and token.text not in UNIT_LETTERS
        )
    if token.text in ("(", "[", "{", "_"):
        return not (len(following.word) > 2 or following.text in UNITS or following.kind == "end")
    is_letter = len(token.word) == 1 and token.text.isascii()
    return is_letter and token.text not in UNIT_LETTERS


def _is_denied(tokens: list[Token], end: int) -> bool:
    """5 is wrong, 5 or more, 5 less than x; but 5 more than Tom is what a question asks for."""
    after, more = at(tokens, end), at(tokens, end + 1)
    if denied_until(tokens, end) is not None:
        return True
    if after.word in ("or", "and") and more.word in _MORE:
        return True
    what, next_word = at(tokens, end + 2), at(tokens, end + 3)
    is_variable = len(what.word) == 1 and what.text.isascii() and next_word.kind != "word"
    is_compared = is_variable or what.kind == "number"
    if at(tokens, end - 1).word in _MORE and after.word == "than":  # 5 less, which is one quantity
        return _is_denied(tokens, end - 1)
    return after.word in _MORE and more.word == "than" and is_compared


def _has_another(tokens: list[Token], end: int, content: str) -> bool:
    """Whether another answer follows that is not the same: 5 or 6; 5, 6; 5 to 6; A or B."""
    unit = at(tokens, end)
    step = int(unit.kind == "word" and unit.word not in _OTHERS)
    word = at(tokens, end + step)
    if not (word.word in _OTHERS or (word.text in _OTHERS and not step)):
        return False
    first = end + step + 1
    first += int(at(tokens, first).text.lower() in _MAYBE)
    if (number := number_at(tokens, first)) is not None:
        last = number.end + int(at(tokens, number.end).kind in ("percent", "currency"))
        last += int(at(tokens, last).kind == "word" and at(tokens, last).word not in _VERBS)
    elif re.fullmatch("[A-J]", at(tokens, first).text):
        last = first + 1
    else:
        return False
    if at(tokens, last).text not in _END_OF_CLAUSE:
        return False
    other = " ".join(token.text for token in tokens[first:last])
    return same_value(content, other) is not True


def _is_measured(tokens: list[Token], end: int) -> bool:
    """Whether a smaller unit follows: 5 feet 6 inches, 2 hours and 30 minutes."""
    step = int(bool(unit_name(at(tokens, end).word)))
    unit = at(tokens, end - 1 + step).word
    first = end + step
    first += int(at(tokens, first).word == "and" or at(tokens, first).text == ",")
    number = number_at(tokens, first)
    if not unit_name(unit) or number is None:
        return False
    return bool(unit_name(at(tokens, number.end).word))
