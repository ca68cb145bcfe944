"""The last quantity of a text in prose: the same quantities that answers are read as."""

import re

from data.numbers.characters import plain_characters
from data.numbers.markup import without_markup
from data.numbers.number import MAY_BE_DASH, NO_VALUE
from data.numbers.read import quantities
from data.numbers.tokens import tokens_of
from data.numbers.words import ONES, TENS

MAX_LINES = 100  # with digits that are tried, as x2 is no quantity
LONGEST_LINE = 2_000  # [characters] at the end of a line that are read

_DIGITS = re.compile(r"[\d\u00bc-\u00be\u2150-\u215e一二三四五六七八九十百千万亿]")
_WORDS = re.compile(rf"\b(?:{'|'.join((*ONES, *TENS))}|hundred|dozen|half)\b", re.IGNORECASE)
_IN_DIGITS = ("number", "time", "chinese")


def last_quantity(text: str) -> tuple[str, int] | None:
    """The last quantity of `text` as plain characters, and where its line ends; or None.

    Numbers in words count only where the text has no digits: "in one day" is no answer.
    """
    has_digits = _DIGITS.search(text) is not None
    mention = _DIGITS if has_digits else _WORDS
    end = len(text)
    lines = 0
    while end >= 0 and lines < MAX_LINES:
        start = text.rfind("\n", 0, end) + 1
        line = text[start:end]
        if mention.search(line):
            lines += 1
            quantity = _last_of_line(line[-LONGEST_LINE:], has_digits)
            if quantity is not None:
                return quantity, end
        end = start - 1
    return None


def _last_of_line(line: str, in_digits: bool) -> str | None:
    plain = without_markup(plain_characters(line))
    tokens = tokens_of(plain)
    for quantity in reversed(quantities(tokens)):
        parts = tokens[quantity.start : quantity.end]
        if quantity.reason == NO_VALUE and not parts[0].spaced:
            continue  # H2O
        if not in_digits or any(token.kind in _IN_DIGITS for token in parts):
            is_dash = quantity.reason == MAY_BE_DASH and parts[0].text == "-"
            return plain[parts[is_dash].start : parts[-1].end]
    return None
