"""Equality of two short answers, decided exactly where it can be decided."""

import re

from data.numbers.lexicon import plain_characters
from data.numbers.notation import moduli
from data.numbers.read import parse_plain_number, read_answer

_TEXT = re.compile(r"\\(?:text(?:bf|rm|it|normal)?|math(?:rm|bf|it)|mbox)\s*\{([^{}]*)\}")
_NOT_COMPARED = re.compile(
    r"\s+|\\(?:left|right|displaystyle)(?![A-Za-z])|\\[,;!: ]|(?<!\.)\.+$|[$\"]"
)
_OPTION = re.compile(r"\(?([A-Ja-j])\)?[.:]?")
_WORDS = re.compile(r"[A-Za-z]{2,}(?:[ -][A-Za-z]+)*\.?")
_FRACTION = re.compile(r"\\[dtc]frac(?![A-Za-z])")


def same_value(first: str, second: str) -> bool | None:
    r"""Whether two short answers are equal; None where that is undecided.

    0.5 and \frac{1}{2} are equal, 5 cm and 5 too, and (A) and \text{A}. 0.5 and 50\% are undecided,
    because 50 \% may be meant as 50; so is what is neither a number nor written in the same way.
    """
    forms = comparable(first), comparable(second)
    if forms[0] == forms[1]:
        return True
    options = [_OPTION.fullmatch(form) for form in forms]
    if options[0] and options[1]:
        return options[0][1].lower() == options[1][1].lower()
    if all(_WORDS.fullmatch(form) for form in forms):
        return True if forms[0].lower() == forms[1].lower() else None
    if "mod" in first.lower() and "mod" in second.lower() and _are_other_classes(first, second):
        return False
    one, other = read_answer(first), read_answer(second)
    if one.value is None or other.value is None:
        return None
    if one.value == other.value:
        return True
    if one.alternatives is None or other.alternatives is None:
        return None
    may_be_same = ({one.value} | one.alternatives) & ({other.value} | other.alternatives)
    return None if may_be_same else False


def _are_other_classes(first: str, second: str) -> bool:
    """Whether two classes of numbers have other moduli: 2 (mod 7) is not 2 (mod 5)."""
    one, other = moduli(first), moduli(second)
    is_class = one.is_class or other.is_class
    return bool(is_class and one.values and other.values and one.values != other.values)


def comparable(text: str) -> str:
    r"""The form in which answers are compared as texts: no spaces, no \text, one kind of \frac."""
    if parse_plain_number(text) is not None:
        return text
    text = _TEXT.sub(r"\1", plain_characters(text))
    return _FRACTION.sub(r"\\frac", _NOT_COMPARED.sub("", text.strip()))
