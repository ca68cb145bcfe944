"""Bare numbers in digits, in words and in Chinese numerals, with fractions and times of day."""

from fractions import Fraction
from typing import NamedTuple

from data.numbers import (
    MAX_DIGITS,
    Number,
    is_writable,
    parse_decimal,
)
from data.numbers.lexicon import (
    CURRENCY_CODES,
    NUMBER_WORDS,
    ONES,
    PARTS,
    SCALE_NAMES,
    SCALE_WORDS,
    TENS,
    UNITS,
    chinese_value,
    words_value,
)
from data.numbers.notation import END, Token

EXPRESSION = "the answer is an expression"
CALCULATION = "the answer is a calculation that is not carried out"
NUMBER_WORD = "the answer has a number in words"
OTHER_SCALE = "the number can be read at two scales"
SEVERAL_NUMBERS = "the answer holds several numbers"
TOO_LONG = "the number is too long to be read"
TIME_OF_DAY = "the answer is a time of day"
MAY_BE_DASH = "the sign may be a dash"
NO_VALUE = "the digits are no number"
VARIABLE = "the answer has a variable"
RATIO = "the answer is a ratio"
FUNCTION = "the answer is a function that is not evaluated"


class Part(NamedTuple):
    """A quantity that is read up to tokens[end], without its sign."""

    value: Number | None
    end: int
    alternatives: frozenset[Number] | None = frozenset()
    reason: str | None = None
    is_list: bool = False

    def to(self, value: Number | None, end: int, *alternatives: Number, reason: str) -> "Part":
        """The part with another value, and with `alternatives` beside those that it has."""
        if value is None or not is_writable(value):
            return Part(None, end, frozenset(), TOO_LONG)
        together = (self.alternatives or frozenset()) | frozenset(alternatives)
        return Part(value, end, together, reason if together else None)


def at(tokens: list[Token], index: int) -> Token:
    return tokens[index] if 0 <= index < len(tokens) else END


def number_at(tokens: list[Token], index: int) -> Part | None:
    """The bare number at tokens[index], in digits, in words or in Chinese numerals."""
    token = at(tokens, index)
    if token.kind == "number":
        return _time(tokens, index) if _is_hour(tokens, index) else _digits(tokens, index)
    if token.kind == "time":
        return _time(tokens, index)
    if token.kind == "chinese":
        follower = at(tokens, index + 1)
        is_word = follower.kind == "word" and not follower.spaced and follower.text not in UNITS
        before = at(tokens, index - 1)
        is_word = is_word or (before.kind == "word" and not token.spaced)
        value = None if is_word else chinese_value(token.text)
        return None if value is None else Part(value, index + 1)
    return _words(tokens, index) if token.kind == "word" else None


def _digits(tokens: list[Token], index: int) -> Part:
    token, before = tokens[index], at(tokens, index - 1)
    is_name = before.kind == "word" and not token.spaced and before.text.isascii()
    if is_name and before.word not in CURRENCY_CODES:  # x2, H2O
        return Part(None, index + 1, None, NO_VALUE)
    decimal = parse_decimal(token.text)
    if decimal is None:
        if len(token.text) > MAX_DIGITS or "e" in token.text.lower():
            return Part(None, index + 1, frozenset(), TOO_LONG)
        return Part(None, index + 1, None, NO_VALUE)
    reason = SEVERAL_NUMBERS if decimal.is_list else OTHER_SCALE if decimal.alternatives else None
    # (1,500) may be a pair; (1,500,000) and (1,234.5) are none
    has_comma = decimal.is_list or (token.text.count(",") == 1 and "." not in token.text)
    part = Part(decimal.value, index + 1, decimal.alternatives, reason, has_comma)
    return _fraction(tokens, part)


def _fraction(tokens: list[Token], part: Part) -> Part:
    """The fraction 1/2 or the mixed number 2 1/2 of which `part` is the first number."""
    bottom = denominator(tokens, part.end)
    if bottom is not None:
        if denominator(tokens, part.end + 2) is not None:
            return Part(None, part.end + 4, None, NO_VALUE)  # a date
        if bottom == 0 or part.value is None:
            return Part(None, part.end + 2, frozenset(), EXPRESSION)
        return Part(ratio(part.value, bottom), part.end + 2)
    top, bottom = at(tokens, part.end), denominator(tokens, part.end + 1)
    is_whole = part.value is not None and part.value.denominator == 1
    if bottom and is_whole and is_proper(top, bottom):
        return Part((part.value or 0) + ratio(int(top.text), bottom), part.end + 3)
    return part


def is_proper(top: Token, bottom: Number) -> bool:
    """Whether a fraction is below one, as in a mixed number."""
    return top.text.isdecimal() and len(top.text) < 10 and int(top.text) < bottom


def denominator(tokens: list[Token], index: int) -> Number | None:
    """The number after the fraction bar tokens[index]."""
    number = at(tokens, index + 1)
    if at(tokens, index).text != "/" or number.kind != "number":
        return None
    decimal = parse_decimal(number.text)
    return decimal.value if decimal else None


def ratio(top: Number, bottom: Number) -> Number:
    return Fraction(top) / bottom


def _time(tokens: list[Token], index: int) -> Part:
    """A time of day; a full hour may be meant as the hour, as 12 hours more, or in minutes."""
    token = tokens[index]
    hour, _, rest = token.text.partition(":")
    end = index + 1
    half = at(tokens, end).word
    if half in ("a", "p") and at(tokens, end + 1).text == "." and at(tokens, end + 2).word == "m":
        end += 4 if at(tokens, end + 3).text == "." else 3
        half += "m"
    elif half in ("am", "pm"):
        end += 1
    if rest.strip("0:"):
        return Part(None, end, None, TIME_OF_DAY)
    hours = int(hour)
    return Part(None, end, frozenset({hours, hours + 12, 60 * hours}), TIME_OF_DAY)


def _is_hour(tokens: list[Token], index: int) -> bool:
    """Whether the number tokens[index] is an hour of the day: 3 PM, 3 a.m.; not `5 am I right`."""
    hour, half, more = tokens[index].text, at(tokens, index + 1), at(tokens, index + 2)
    if not (half.text and half.text[0] in "apAP" and hour.isdecimal() and len(hour) <= 2):
        return False
    is_half = half.word == "pm" or (half.word == "am" and more.kind != "word")
    is_dotted = half.word in ("a", "p") and more.text == "." and at(tokens, index + 3).word == "m"
    return 1 <= int(hour) <= 12 and (is_half or is_dotted)


def _words(tokens: list[Token], index: int) -> Part | None:
    """A number in words: `twenty-one`, `a dozen`, `half`, `three point five`."""
    word = tokens[index].word
    following = at(tokens, index + 1).word
    if word in ("a", "an"):
        if following in SCALE_NAMES:
            return Part(SCALE_NAMES[following], index + 2)
        if following in PARTS and not following.endswith("s"):
            return Part(PARTS[following], index + 2)
        return None
    if word in ("half", "quarter"):
        if word == "half" and following == "a" and at(tokens, index + 2).word == "dozen":
            return Part(6, index + 3)
        return Part(
            None if following else PARTS[word], index + 1, None if following else frozenset()
        )
    if word not in ONES and word not in TENS:
        return None
    words, end = _word_run(tokens, index)
    value = words_value(words)
    if value is None or at(tokens, end).word == "of" or _is_pronoun(words, at(tokens, end)):
        return Part(None, end, None, NUMBER_WORD)
    if at(tokens, end).word == "point" and at(tokens, end + 1).word in ONES:
        return _point(tokens, value, end + 1)
    return Part(value, end)


def _is_pronoun(words: list[str], follower: Token) -> bool:
    return words == ["one"] and follower.word in ("can", "must", "has", "would", "another")


def _word_run(tokens: list[Token], index: int) -> tuple[list[str], int]:
    """The consecutive number words from tokens[index] on, and what follows the last of them."""
    words = [tokens[index].word]
    end = index + 1
    while len(words) < 30:
        skip = 1 if at(tokens, end).text in ("-", ",") or at(tokens, end).word == "and" else 0
        word = at(tokens, end + skip).word
        is_minus = at(tokens, end).text == "-" and at(tokens, end).spaced
        if (word not in NUMBER_WORDS and word not in SCALE_WORDS) or is_minus:
            break
        words.append(word)
        end += skip + 1
    return words, end


def _point(tokens: list[Token], whole: int, index: int) -> Part:
    digits = ""
    while at(tokens, index).word in ONES and ONES[at(tokens, index).word] < 10:
        digits += str(ONES[at(tokens, index).word])
        index += 1
    return Part(whole + ratio(int(digits or "0"), 10 ** len(digits)), index)
