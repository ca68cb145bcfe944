"""Scales behind a number, and what is added to them: 5 million, 12\u4e07, 2 dozen and 3."""

from data.numbers.lexicon import (
    CAPITAL_SCALES,
    CHINESE_SCALES,
    CHINESE_TENS,
    MONEY_SCALES,
    PARTS,
    SCALE_NAMES,
    WORLD_SCALES,
)
from data.numbers.notation import Token
from data.numbers.quantities.number import NUMBER_WORD, OTHER_SCALE, Part, at, number_at


def scaled(tokens: list[Token], part: Part, money: bool) -> Part:
    """With the scales that follow: 5 million, 1.2M, 12\u4e07, 2 hundred thousand."""
    for _ in range(3):
        assert part.value is not None
        token = at(tokens, part.end)
        size = _scale(token, money)
        if size is None:
            return part
        part = part.to(part.value * size, part.end + 1, part.value, reason=OTHER_SCALE)
    return part


def _scale(token: Token, money: bool) -> int | None:
    if token.kind == "scale":
        return WORLD_SCALES[token.text]
    if token.kind == "chinese":
        sizes = CHINESE_SCALES | CHINESE_TENS
        return sizes.get(token.text) if len(token.text) == 1 else None
    if token.kind != "word":
        return None
    if token.text in CAPITAL_SCALES:
        return CAPITAL_SCALES[token.text]
    return SCALE_NAMES.get(token.word) or (MONEY_SCALES.get(token.word) if money else None)


def with_smaller_scales(tokens: list[Token], part: Part, money: bool) -> Part:
    """With what follows a scale and is smaller: 2 dozen and 3, 1 million 200 thousand.

    The sum is read first; both numbers may stand for themselves.
    """
    for _ in range(5):
        size = _named_size(at(tokens, part.end - 1), money)
        if size is None or part.value is None:
            return part
        step = 1 if at(tokens, part.end).word == "and" else 0
        if (added := _part_of_scale(tokens, part, size, part.end + step)) is not None:
            return added
        following = number_at(tokens, part.end + step)
        if following is None or following.value is None or following.alternatives:
            return part
        if at(tokens, following.end).word == "of":
            return part
        following = scaled(tokens, following, money)
        smaller = following.value
        if smaller is None or not 0 < smaller < size:
            return part
        values = (part.value, smaller)
        part = part.to(part.value + smaller, following.end, *values, reason=NUMBER_WORD)
    return part


def _named_size(token: Token, money: bool) -> int | None:
    """The size of a scale that is a word or a character, not a letter such as k."""
    return None if token.text.isascii() and len(token.text) < 3 else _scale(token, money)


def _part_of_scale(tokens: list[Token], part: Part, size: int, index: int) -> Part | None:
    """`a dozen and a half` is 18, and may be 12.5."""
    assert part.value is not None
    word = at(tokens, index + 1).word
    if at(tokens, index).word not in ("a", "an") or word not in PARTS or word.endswith("s"):
        return None
    values = {part.value + PARTS[word], part.value + size * PARTS[word]}
    return Part(None, index + 2, frozenset(values), NUMBER_WORD)
