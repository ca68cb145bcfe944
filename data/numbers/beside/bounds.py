"""Where an expression ends: at a relation, a comma or a word; and where a sentence does."""

import unicodedata

from data.numbers.lexicon import (
    CHANGES_AFTER,
    MODULO,
    PARTS,
    PERCENT_WORDS,
    SCALE_NAMES,
    UNITS,
)
from data.numbers.notation import Token
from data.numbers.quantities import at

_STOPS = frozenset("=<>\u2264\u2265\u2260\u2248\u2261;?&\u2026,\u2014")
_OPERATOR_WORDS = frozenset({"times", "over", "plus", "minus", "divided", "multiplied", "base"})
_CHANGING = (
    MODULO | PERCENT_WORDS | CHANGES_AFTER | frozenset(SCALE_NAMES) | frozenset(PARTS)
    | _OPERATOR_WORDS
)  # fmt: skip
_SHORT_WORDS = frozenset(["is", "or", "so", "of", "in", "to", "we", "by", "if", "as", "at", "on"])


def stops(tokens: list[Token], index: int) -> bool:
    """Whether an expression ends before tokens[index]: at a relation, a comma or a word."""
    token = tokens[index]
    if token.text in _STOPS or (token.text == "." and token.kind == "symbol"):
        return True
    if token.kind != "word" or token.word in _CHANGING:
        return False
    if unicodedata.category(token.text[0]) == "No":  # \u2082
        return False
    is_unit = token.text in UNITS and at(tokens, index - 1).kind == "number"
    return len(token.text) > 2 or not token.text.isascii() or is_unit or token.word in _SHORT_WORDS


def ends_sentence(tokens: list[Token], index: int) -> bool:
    return tokens[index].text in _STOPS or tokens[index].word == "of"
