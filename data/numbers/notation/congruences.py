r"""Moduli of congruences: 2 \pmod{5} and 2 (mod 7) are two classes of numbers."""

import re

from data.numbers.lexicon import plain_characters
from data.numbers.notation.markup import without_markup

_MODULUS = re.compile(
    r"(?:\(\s?|\u2261[^()\u2261]{1,60}?)\bmod(?:ulo)?\s?(\d{1,18})(?!\d)", re.ASCII
)


def moduli(text: str) -> frozenset[int]:
    """The moduli of the classes that `text` names; 17 mod 5 is a number, not a class."""
    if "mod" not in text:
        return frozenset()
    plain = without_markup(plain_characters(text))
    return frozenset(int(modulus) for modulus in _MODULUS.findall(plain))
