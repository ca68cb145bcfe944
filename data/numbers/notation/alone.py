"""Boxes in plain words, which is quickly seen: nothing beside them can change their value."""

import re

from data.numbers.lexicon import (
    CHANGES_AFTER,
    DENIALS,
    FUNCTIONS,
    MINUS_WORDS,
    MULTIPLES,
    NEGATIONS,
    ONES,
    PARTS,
    PERCENT_WORDS,
    SCALE_NAMES,
    TENS,
)

FAR = 120  # [characters] behind a box, in which its sentence must end
NEAR = 80  # [characters] before it

_BEHIND = re.compile(
    r"(?:[ \t$*]|\n?\\[\])])*((?:,? [A-Za-z]+){0,30}),?[ *]*"
    r"(?:\.?[*$ ]*(?:\\[\])])?(?:\Z|\n(?!\s?(?:\\|[\^(+*/-])))|\.[ *])"
)
_BEFORE = re.compile(
    r"(?:\A|[\n.:!?]\n|=|: |(?<![\\A-Za-z])[A-Za-z]{2,} )[ \t$*]*(?:\\[(\[])?[ \t$*\n]*\Z"
)
_WORD = re.compile(r"[A-Za-z']+")
_CHANGING_BEHIND = frozenset(
    {"times", "over", "plus", "minus", "divided", "multiplied", "base", "more", "less", "fewer"}
    | {"greater", "higher", "lower", "above", "below", "under", "up", "isn", "wasn", "aren", "cent"}
    | CHANGES_AFTER | DENIALS | MULTIPLES | PARTS.keys() | ONES.keys() | TENS.keys()
    | PERCENT_WORDS | SCALE_NAMES.keys() | {"mod", "modulo"}
)  # fmt: skip
_DENYING = NEGATIONS | {"anything", "different", "other", "couldn", "doesn", "don", "won", "can"}
_CHANGING_BEFORE = frozenset(
    {"twice", "thrice", "double", "triple", "half", "minus", "negative", "positive", "plus"}
    | {"times", "over", "by", "of", "x"} | FUNCTIONS | MINUS_WORDS
)  # fmt: skip
LAST_WORDS = 6  # before a box, of which one may deny it


def stands_alone(text: str, start: int, end: int) -> bool:
    """Whether only plain words stand beside text[start:end], up to the end of its sentence."""
    behind = _BEHIND.match(text, end, end + FAR)
    if behind is None or (behind.end() == end + FAR and len(text) > behind.end()):
        return False
    words = behind[1].lower().replace(",", " ").split()
    if any(word in _CHANGING_BEHIND or (len(word) == 1 and word != "a") for word in words):
        return False
    before = text[max(0, start - NEAR) : start]
    if _BEFORE.search(before) is None or "mod" in before:
        return False
    last = _WORD.findall(before.lower())[-LAST_WORDS:]
    return _DENYING.isdisjoint(last) and not (last and last[-1] in _CHANGING_BEFORE)
