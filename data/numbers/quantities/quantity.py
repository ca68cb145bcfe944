"""Quantities: sign, currency, number, part, scale, percent sign and unit that are one value."""

import unicodedata
from math import factorial
from typing import NamedTuple

from data.numbers import Number, power
from data.numbers.lexicon import (
    BEFORE_MINUS,
    CHANGES_AFTER,
    COINS,
    COMPARED,
    CURRENCY_CODES,
    MODULO,
    ORDINALS,
    PARTS,
    PERCENT,
    PERCENT_WORDS,
    SCALE_NAMES,
    UNIT_LETTERS,
    UNITS,
)
from data.numbers.notation import Token, repeating_decimal
from data.numbers.quantities.number import (
    EXPRESSION,
    MAY_BE_DASH,
    NO_VALUE,
    NUMBER_WORD,
    OTHER_SCALE,
    VARIABLE,
    Part,
    at,
    denominator,
    is_proper,
    number_at,
    ratio,
)
from data.numbers.quantities.scales import scaled, with_smaller_scales

LARGEST_FACTORIAL = 1_000


class Quantity(NamedTuple):
    """tokens[start:end], and how they read.

    value: the number, or None where it is not clear
    alternatives: other numbers that it may mean; None: it may mean any number
    """

    value: Number | None
    alternatives: frozenset[Number] | None
    reason: str | None
    start: int
    end: int
    is_list: bool = False


def quantity_at(tokens: list[Token], start: int) -> Quantity | None:
    """The quantity that begins at tokens[start], with its sign; None where none begins."""
    sign, is_doubtful, money, index = _signs(tokens, start)
    part = number_at(tokens, index)
    if part is None:
        return None
    for follow in (_combined, scaled, with_smaller_scales, _repeating, _factorial, _percent):
        if part.value is not None:
            part = follow(tokens, part, money)
    if part.reason != NO_VALUE:
        part = _with_unit(tokens, part)
    value = None if part.value is None else sign * part.value
    alternatives = (
        None
        if part.alternatives is None
        else frozenset(sign * other for other in part.alternatives)
    )
    if is_doubtful and value is not None and alternatives is not None:
        alternatives |= {-value}
        part = part._replace(reason=MAY_BE_DASH)
    return Quantity(value, alternatives, part.reason, start, part.end, part.is_list)


def _signs(tokens: list[Token], index: int) -> tuple[int, bool, bool, int]:
    """The sign before a number, whether it may be a dash, whether it is money, and what follows."""
    sign, is_doubtful, money = 1, False, False
    for _ in range(4):
        token = at(tokens, index)
        if _is_dash(tokens, index):
            is_doubtful = True
        elif token.word in ("minus", "negative") or _is_minus(tokens, index):
            sign = -sign
        elif token.text == "\u2014" and not at(tokens, index + 1).spaced:
            sign, is_doubtful = -sign, True
        elif token.kind == "currency" or token.word in CURRENCY_CODES:
            money = True
            if at(tokens, index + 1).text == "." and token.word == "rs":
                index += 1
        elif token.text != "+" and token.word not in ("plus", "positive"):
            break
        index += 1
    return sign, is_doubtful, money, index


def _is_dash(tokens: list[Token], index: int) -> bool:
    """Whether this is a dash between a word and a number, as in `Answer - 42`; not in `is - 42`."""
    word = at(tokens, index - 1).word
    is_spaced = at(tokens, index).spaced and at(tokens, index + 1).spaced
    is_after_word = len(word) > 1 and word not in BEFORE_MINUS
    return at(tokens, index).text == "-" and is_spaced and is_after_word


def _is_minus(tokens: list[Token], index: int) -> bool:
    """Whether this is a dash that is not attached to a word or a number, as in route-66."""
    before = at(tokens, index - 1)
    token = at(tokens, index)
    is_hyphen = not token.spaced and before.kind in ("word", "number", "chinese")
    return token.text == "-" and not is_hyphen


def _combined(tokens: list[Token], part: Part, money: bool) -> Part:
    """With a power, a power of ten, a part (3 tenths) or a part that is added (and a half)."""
    assert part.value is not None
    token, following = at(tokens, part.end), at(tokens, part.end + 1)
    if token.kind == "power":
        return part.to(_power(part.value, token), part.end + 1, reason=EXPRESSION)
    if token.word in ("squared", "cubed"):
        exponent = 2 if token.word == "squared" else 3
        return part.to(power(part.value, exponent), part.end + 1, reason=NUMBER_WORD)
    power_of_ten = at(tokens, part.end + 2)
    is_product = token.text in ("\u00d7", "*", "x") and following.text == "10"
    if is_product and power_of_ten.kind == "power":
        scale = _power(10, power_of_ten)
        value = None if scale is None else part.value * scale
        return part.to(value, part.end + 3, reason=EXPRESSION)
    dash = 1 if token.text == "-" and not token.spaced else 0
    word = at(tokens, part.end + dash).word
    if word in PARTS:
        return _of_part(part, word, part.end + dash + 1)
    return _added_part(tokens, part)


def _power(base: Number, exponent: Token) -> Number | None:
    digits = exponent.text.strip("^{ }")
    return power(base, int(digits)) if len(digits) < 10 else None


def _of_part(part: Part, word: str, end: int) -> Part:
    """3 tenths; 3 quarters may be coins, and 3 third may be anything."""
    assert part.value is not None
    if part.value != 1 and not word.endswith("s") and word != "halves":
        return Part(None, end, None, NUMBER_WORD)
    value = part.value * PARTS[word]
    return part.to(value, end, *([part.value] if word in COINS else []), reason=NUMBER_WORD)


def _added_part(tokens: list[Token], part: Part) -> Part:
    """Of `two and a half`, `2 and 1/2`; other parts as they are."""
    assert part.value is not None
    if at(tokens, part.end).word != "and" or part.value.denominator != 1:
        return part
    if at(tokens, part.end - 1).word in SCALE_NAMES:
        return part  # a dozen and a half
    index = part.end + 1
    word = at(tokens, index + 1).word
    if at(tokens, index).word in ("a", "an", "one") and word in PARTS:
        return part.to(part.value + PARTS[word], index + 2, reason=NUMBER_WORD)
    bottom = denominator(tokens, index + 1)
    top = at(tokens, index)
    if bottom and is_proper(top, bottom):
        return part.to(part.value + ratio(int(top.text), bottom), index + 3, reason=NUMBER_WORD)
    return part


def _repeating(tokens: list[Token], part: Part, money: bool) -> Part:
    """0.333... is 0.333, and may be 1/3; other dots behind a number end a sentence."""
    written = at(tokens, part.end - 1).text
    whole, point, decimals = written.partition(".")
    if not point or not decimals.isdecimal() or decimals[-2:] != 2 * decimals[-1]:
        return part
    dots = [at(tokens, part.end + index).text for index in range(3)]
    length = 1 if dots[0] == "\u2026" else 3 if dots == ["."] * 3 else 0
    if not (length and whole.isdecimal() and part.value is not None):
        return part
    repeating = repeating_decimal(whole, decimals.rstrip(decimals[-1]), decimals[-1])
    return part.to(part.value, part.end + length, repeating, reason=OTHER_SCALE)


def _factorial(tokens: list[Token], part: Part, money: bool) -> Part:
    """5! may be 120, and 5 with an exclamation mark."""
    mark = at(tokens, part.end)
    value = part.value
    if mark.text != "!" or mark.spaced or at(tokens, part.end + 1).text == "!":
        return part
    if value is None or value.denominator != 1 or not 0 <= value <= LARGEST_FACTORIAL or money:
        return part
    if at(tokens, part.end - 1).kind != "number":
        return part
    return Part(None, part.end + 1, frozenset({value, factorial(int(value))}), EXPRESSION)


def _percent(tokens: list[Token], part: Part, money: bool) -> Part:
    """40 % is 40, and may be 0.4."""
    token, following = at(tokens, part.end), at(tokens, part.end + 1)
    whole, length = PERCENT.get(token.text, 0), 1
    if token.word in PERCENT_WORDS:
        whole = 100
        length = 2 if following.word in ("point", "points") else 1
    elif token.word == "per" and following.word == "cent":
        whole, length = 100, 2
    if not whole or part.value is None:
        return part
    value = part.value
    return part.to(value, part.end + length, ratio(value, whole), reason=OTHER_SCALE)


def _with_unit(tokens: list[Token], part: Part) -> Part:
    """With the unit or the currency that follows. Letters that are no unit make an expression."""
    token = at(tokens, part.end)
    if token.kind == "currency":
        return part._replace(end=part.end + 1)
    if token.kind == "latex" or token.text in ("\u03c0", "\u221a", "\u221e", "_"):
        return Part(None, part.end, None, VARIABLE)
    if token.text == "\u00b0":
        end = part.end + 1
        return part._replace(end=end + (at(tokens, end).text in ("C", "F", "K")))
    if at(tokens, part.end + 1).word in MODULO and token.text == "(":
        return part
    if token.text in ("(", "[") and not token.spaced:
        return Part(None, part.end, None, EXPRESSION)
    if token.kind != "end" and unicodedata.category(token.text[0]) == "No":  # 5\u2082
        return Part(None, part.end, None, EXPRESSION)
    if token.kind == "word":
        return _with_word(tokens, part, token)
    return part


def _with_word(tokens: list[Token], part: Part, token: Token) -> Part:
    """With the ending of an ordinal or with a unit; a factor such as x makes an expression."""
    end = part.end + 1
    if token.word in MODULO and at(tokens, end).kind == "number":
        return part  # 5 mod 3 is read with its operator
    if not token.spaced and token.word in ORDINALS:  # 5th
        return part._replace(end=end)
    if token.word in ("less", "fewer") and part.value is not None:
        return part.to(part.value, end, -part.value, reason=NUMBER_WORD)
    is_multiple = token.word == "times" and at(tokens, end).word in COMPARED
    if token.word in CHANGES_AFTER or is_multiple or _is_variable(tokens, part.end):
        return Part(None, part.end, None, VARIABLE)
    return part._replace(end=_end_of_unit(tokens, part.end)) if _is_unit(tokens, part.end) else part


def _is_unit(tokens: list[Token], index: int) -> bool:
    """Whether the word tokens[index] after a number is a unit or a currency.

    Not so are an article, the x of a product, and `in` or `am` in a sentence.
    """
    token = tokens[index]
    if token.text not in UNITS and token.word not in UNITS | CURRENCY_CODES:
        return False
    is_other_letter = len(token.text) == 1 and token.text not in UNIT_LETTERS
    if is_other_letter and token.text.isascii():
        return False
    return token.text not in ("in", "am") or at(tokens, index + 1).kind != "word"


def _end_of_unit(tokens: list[Token], index: int) -> int:
    """Where the unit that begins at tokens[index] ends: cm, cm^2, km/h."""
    end = index + 1
    if at(tokens, end).kind == "power":
        end += 1
    if at(tokens, end).text == "/" and at(tokens, end + 1).kind == "word":
        end += 2
    return end


def _is_letter_of_mathematics(character: str) -> bool:
    """Whether this is a Greek letter or a raised one: 5\u03b1, 5\u207f; not the unit \u03a9."""
    is_greek = "\u0391" <= character <= "\u03c9" and character != "\u03a9"
    return is_greek or unicodedata.category(character) == "Lm"


def _is_variable(tokens: list[Token], index: int) -> bool:
    """Whether the word tokens[index] after a number is a factor: 5x, 2 y; not 5kg, 5 a day."""
    token, following = tokens[index], at(tokens, index + 1)
    if not token.text.isascii():
        is_letter = len(token.text) == 1 and _is_letter_of_mathematics(token.text)
        return is_letter and not (token.spaced and following.kind == "word")
    if token.text in "xX":
        return following.kind not in ("number", "currency") and following.text not in ("(", "-")
    if len(token.text) == 1:
        is_article = token.text in "ai" and token.spaced and following.kind == "word"
        return token.text not in UNIT_LETTERS and not is_article
    is_unit = token.text in UNITS or token.word in UNITS | CURRENCY_CODES
    return not token.spaced and not is_unit
