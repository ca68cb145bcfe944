r"""Moduli: 2 \pmod{5}, 2 (mod 7) and 2 (mod 2^4) name three classes of numbers."""

import re
from functools import lru_cache
from math import prod
from typing import NamedTuple

from data.numbers.lexicon import plain_characters
from data.numbers.notation.markup import without_markup

_WORD = re.compile(
    r"(?:\\[pb]?mod|(?<![A-Za-z\\])mod(?:ul(?:o|us))?)(?![A-Za-z])\.?\s?\}?"
    r"(?:\s|~|\\[ ,;:!]|\\q?quad(?![A-Za-z]))*",
    re.IGNORECASE,
)
_CONGRUENT = re.compile(r"\u2261|\\equiv(?![A-Za-z])|\bcongruent\b")
_ENDS = re.compile(
    r"[=<>\u2261;$\n\u2264\u2265]|\\(?:equiv|[\]()]|le|ge|text|quad)|,(?!\d)|\.(?!\d)"
)
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)"
_GOES_ON = re.compile(r"\s*(?:[-+^*/!]|\\(?:cdot|times|pm|div))")
_POWER = re.compile(rf"({_NUMBER})(?:\s?\^\s?(?:\{{\s?(\d{{1,3}})\s?\}}|(\d{{1,3}})))?", re.ASCII)
_SUM = re.compile(r"\s?([+-])\s?")
_PRODUCT = re.compile(r"\s?[\u00d7*\u00b7]\s?")
_OPEN, _CLOSE = "([{", ")]}"
_LONGEST = 60  # [characters] of a modulus


class Moduli(NamedTuple):
    """What a text says of moduli.

    text: the text with the value of each modulus in the place of its expression
    values: the moduli that were read
    unread: it has a modulus that was not read
    is_class: it names a class of numbers, as 2 (mod 5) does; 17 mod 5 is a number
    is_congruence: it says that two numbers are congruent
    """

    text: str
    values: frozenset[int] = frozenset()
    unread: bool = False
    is_class: bool = False
    is_congruence: bool = False


@lru_cache(maxsize=1 << 12)
def moduli(text: str) -> Moduli:
    """The moduli of `text`, in whatever case and markup their words stand."""
    is_congruence = _CONGRUENT.search(text) is not None
    if "mod" not in text.lower():
        return Moduli(text, is_congruence=is_congruence)
    plain = plain_characters(text)
    values: set[int] = set()
    parts, at, unread, is_class = [], 0, False, is_congruence
    for word in _WORD.finditer(plain):
        in_brackets = _is_in_brackets(plain, word)
        is_class |= in_brackets or _is_argument(word)
        start, end = _expression(plain, word.end(), in_brackets)
        value = None if _goes_on(plain, word, end) else _value(plain[start:end])
        if value is None or start < at:
            unread = True
        else:
            values.add(value)
            parts += [plain[at:start], str(value)]
            at = end
    text = "".join([*parts, plain[at:]]) if values else text
    return Moduli(text, frozenset(values), unread, is_class, is_congruence)


def _is_in_brackets(text: str, word: re.Match[str]) -> bool:
    before = re.sub(r"\\[A-Za-z]+\s?\{?\s*\Z|\\[ ,;:!]|[\s~]", "", text[: word.start()])
    return before.endswith("(")


def _is_argument(word: re.Match[str]) -> bool:
    return word[0].lower().startswith("\\pmod")


def _goes_on(text: str, word: re.Match[str], end: int) -> bool:
    """Whether an expression goes on after a modulus in braces: 17 mod {5} + 1 is no modulus 5."""
    is_group = text[end : end + 1] == "}" and text[word.end() : word.end() + 1] == "{"
    return is_group and not _is_argument(word) and _GOES_ON.match(text, end + 1) is not None


def _expression(text: str, start: int, in_brackets: bool) -> tuple[int, int]:
    """Where the expression at `start` lies: up to the closing bracket, or where a sentence ends."""
    if text[start : start + 1] == "{":
        start, in_brackets = start + 1, True
    depth = 0
    for at in range(start, min(len(text), start + _LONGEST + 1)):
        if text[at] in _OPEN and text[at - 1 : at] != "\\":
            depth += 1
        elif text[at] in _CLOSE:
            if depth == 0:
                return start, at
            depth -= 1
        elif depth == 0 and not in_brackets and _ENDS.match(text, at):
            return start, at
    return start, len(text)


def _value(expression: str) -> int | None:
    """The integer that sums, products and powers of integers make; None where it is none."""
    if len(expression) > _LONGEST:
        return None
    plain = without_markup(expression).strip()
    if plain.startswith("(") and plain.find(")") == len(plain) - 1:
        plain = plain[1:-1].strip()
    first, *rest = _SUM.split(plain)
    terms = [_term(first), *(_term(term) for term in rest[1::2])]
    numbers = [term for term in terms if term is not None]
    if len(numbers) < len(terms):
        return None
    signs = [1, *(1 if sign == "+" else -1 for sign in rest[::2])]
    value = sum(sign * number for sign, number in zip(signs, numbers, strict=True))
    return value if value > 0 else None


def _term(text: str) -> int | None:
    powers = [_POWER.fullmatch(factor.strip()) for factor in _PRODUCT.split(text)]
    factors = [
        int(power[1].replace(",", "")) ** int(power[2] or power[3] or 1)
        for power in powers
        if power is not None
    ]
    return prod(factors) if len(factors) == len(powers) else None
