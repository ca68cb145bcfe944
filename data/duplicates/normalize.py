"""Normalization: the words of a text without case and punctuation, and with numbers masked.

Two texts with the same words differ only in case, white space and punctuation.
"""

import re
import sys
import unicodedata

from data.numbers.lexicon import NUMBER_WORDS, SCALE_WORDS

NUMBER = "#"  # stands for any number

THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
BARE_FRACTION = re.compile(r"(?<![\w.])\.(?=\d)")  # .5 is 0.5
WITHOUT_BLANKS = re.compile(r"([\u3040-\u30ff\u3400-\u9fff])")  # Japanese and Chinese
NO_LETTER = re.compile(r"(?!(?<=\d)\.(?=\d))[^\w\s]|_")
DIGITS = re.compile(r"\d+(?:\.\d+)?")

SIGNS = frozenset("+-*/^=<>\N{MULTIPLICATION SIGN}\N{DIVISION SIGN}≤≥≠")
MINUS = "\N{MINUS SIGN}"
APOSTROPHES = "'\N{RIGHT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}"


def words(text: str) -> list[str]:
    """The words of `text` in lower case: don't is dont, half-price is half price, 1,200 is 1200.

    An arithmetic sign is a word between two operands (numbers, single letters), else punctuation,
    as all brackets are. Each character of Chinese and Japanese is a word.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = BARE_FRACTION.sub("0.", THOUSANDS.sub("", plain))
    plain = NO_LETTER.sub(_without_punctuation, WITHOUT_BLANKS.sub(r" \1 ", plain))
    # interned: each different word is in memory once, and equal words compare by address
    plain_words = [sys.intern(word) for word in plain.split()]
    if SIGNS.isdisjoint(plain_words):
        return plain_words
    between = zip(["", *plain_words], plain_words, [*plain_words[1:], ""], strict=False)
    return [
        word
        for before, word, after in between
        if word not in SIGNS or (_is_operand(before) and _is_operand(after))
    ]


def masked(words: list[str]) -> list[str]:
    """`words` with each number, in digits or in English words, as NUMBER: twenty-five is one."""
    masked_words: list[str] = []
    in_number = False  # whether the previous word was part of a number in words
    for word in words:
        continues = word in SCALE_WORDS and masked_words[-1:] == [NUMBER]
        if word in NUMBER_WORDS or continues:
            if not (in_number or continues):
                masked_words.append(NUMBER)
            in_number = True
        else:
            masked_words.append(sys.intern(DIGITS.sub(NUMBER, word)))
            in_number = False
    return masked_words


def _without_punctuation(match: re.Match[str]) -> str:
    character = match[0]
    kind = unicodedata.category(character)
    if kind[0] == "M":  # a combining vowel or accent, as in Hindi
        return character
    if kind == "Cf" or character in APOSTROPHES:  # invisible, as soft hyphens
        return ""
    if kind == "Pd" or character == MINUS:
        return " - "
    return f" {character} " if character in SIGNS else " "


def _is_operand(word: str) -> bool:
    return word not in SIGNS and (len(word) == 1 or any(map(str.isdigit, word)))
