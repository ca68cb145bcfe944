"""The words of a text in a normal form, and the same words with their numbers masked.

Texts of the same words differ in nothing but case, blanks and punctuation.
"""

import re
import sys
import unicodedata

from data.text.number_words import ONES, SCALES, TENS

NUMBER = "#"  # stands for any number

THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
BARE_FRACTION = re.compile(r"(?<![\w.])\.(?=\d)")  # .5 is 0.5
WITHOUT_BLANKS = re.compile(r"([\u3040-\u30ff\u3400-\u9fff])")  # Japanese and Chinese
NO_LETTER = re.compile(r"(?!(?<=\d)\.(?=\d))[^\w\s]|_")
DIGITS = re.compile(r"\d+(?:\.\d+)?")

SIGNS = frozenset("+-*/^=<>\N{MULTIPLICATION SIGN}\N{DIVISION SIGN}≤≥≠")
MINUS = "\N{MINUS SIGN}"
APOSTROPHES = "'\N{RIGHT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}"

NUMBER_WORDS = ONES.keys() | TENS.keys()
SCALE_WORDS = SCALES.keys() | {"hundred"}


def words(text: str) -> list[str]:
    """The words of `text` in small letters: don't is dont, half-price half price, 1,200 is 1200.

    A sign of arithmetic is a word between two operands (numbers, single letters), else it is
    punctuation, as all brackets are. Each character of Chinese and Japanese is a word.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = BARE_FRACTION.sub("0.", THOUSANDS.sub("", plain))
    plain = NO_LETTER.sub(_without_punctuation, WITHOUT_BLANKS.sub(r" \1 ", plain))
    # interned: a corpus holds each word once, and compares them by address
    found = [sys.intern(word) for word in plain.split()]
    if SIGNS.isdisjoint(found):
        return found
    between = zip(["", *found], found, [*found[1:], ""], strict=False)
    return [
        word
        for before, word, after in between
        if word not in SIGNS or (_is_operand(before) and _is_operand(after))
    ]


def masked(words: list[str]) -> list[str]:
    """`words` with each number as NUMBER, in digits or in English: twenty-five is one number."""
    found: list[str] = []
    spelt = False  # whether the word before was part of a number in words
    for word in words:
        goes_on = word in SCALE_WORDS and found[-1:] == [NUMBER]
        if word in NUMBER_WORDS or goes_on:
            if not (spelt or goes_on):
                found.append(NUMBER)
            spelt = True
        else:
            found.append(sys.intern(DIGITS.sub(NUMBER, word)))
            spelt = False
    return found


def _without_punctuation(found: re.Match[str]) -> str:
    character = found[0]
    kind = unicodedata.category(character)
    if kind[0] == "M":  # a vowel or an accent of its own, as in Hindi
        return character
    if kind == "Cf" or character in APOSTROPHES:  # soft hyphens and the like are not seen
        return ""
    if kind == "Pd" or character == MINUS:
        return " - "
    return f" {character} " if character in SIGNS else " "


def _is_operand(word: str) -> bool:
    return word not in SIGNS and (len(word) == 1 or any(map(str.isdigit, word)))
