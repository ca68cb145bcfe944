"""The last quantity of a text in prose: the same quantities that answers are read as."""

import re
from typing import NamedTuple

from data.numbers import is_unsolved, start_of_function
from data.numbers.lexicon import (
    BOUNDS_BEFORE,
    CHANGES_AFTER,
    CHANGES_OF,
    COMPARED,
    FUNCTIONS,
    MINUS_WORDS,
    MULTIPLES,
    ONES,
    TENS,
    plain_characters,
)
from data.numbers.notation import Token, denied_from, denied_until, tokens_of, without_markup
from data.numbers.prose.clauses import rivals, subject
from data.numbers.prose.retractions import FAR, is_retracted
from data.numbers.quantities import (
    MAY_BE_DASH,
    NO_VALUE,
    VARIABLE,
    Quantity,
    at,
    end_of_unit,
    quantities,
    ratios,
    unit_of,
)

MAX_LINES = 100  # with digits that are tried, as x2 is no quantity
LONGEST_LINE = 2_000  # [characters] at the end of a line that are read

_DIGITS = re.compile(
    r"[\d\u00bc-\u00be\u2150-\u215e\u2160-\u216b\u2460-\u2473一二三四五六七八九十百千万亿]"
)
_INLINE_FORMULA = re.compile(r"(?<![\\$])\$([^$\s][^$\n]{0,200}?)\$(?![\d$])")  # not $5 and $6
_WORDS = re.compile(rf"\b(?:{'|'.join((*ONES, *TENS))}|hundred|dozen|half)\b", re.IGNORECASE)
_CHANGING = frozenset("\u221a\u00b1<>\u2264\u2265\u2260|")
_CHANGING_WORDS = BOUNDS_BEFORE | FUNCTIONS | MULTIPLES | MINUS_WORDS
_JOINS = frozenset({"or", "and", "to", "maybe", "perhaps", "possibly", "even", "either", "through"})
_CONTRASTS = frozenset(
    {
        "not",
        "and not",
        "but not",
        "not counting",
        "not including",
        "instead of",
        "rather than",
        "as opposed to",
    }
)
MOST_BETWEEN = 4  # tokens between two numbers of a list: `, or maybe`, `or x =`
_IN_DIGITS = ("number", "time", "chinese")


class LastQuantity(NamedTuple):
    """The last quantity of a text.

    text: the quantity as plain characters, with those that belong to its list: 5 or 6
    is_list: it is a list
    end: where its line ends in the text
    rivals: earlier quantities of its clause that may be the answer instead: $12 for 3 books
    is_retracted: the words around it take it back
    """

    text: str
    end: int
    is_list: bool = False
    rivals: tuple[str, ...] = ()
    is_retracted: bool = False


def last_quantity(text: str) -> LastQuantity | None:
    """The last quantity of `text`, or None.

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
            quantity = _last_of_line(line[-LONGEST_LINE:], has_digits, text[end : end + FAR])
            if quantity is not None:
                return quantity._replace(end=end)
        end = start - 1
    return None


def _last_of_line(line: str, in_digits: bool, next_lines: str) -> LastQuantity | None:
    line = _INLINE_FORMULA.sub(r"\1", line)
    plain = without_markup(plain_characters(line))
    tokens = tokens_of(plain)
    in_line = quantities(tokens)
    if in_digits:
        in_line = [item for item in in_line if _has_digits(tokens[item.start : item.end])]
    for number, quantity in reversed(list(enumerate(in_line))):
        parts = tokens[quantity.start : quantity.end]
        if quantity.reason == NO_VALUE and not parts[0].spaced:
            continue  # H2O
        if number and _is_contrast(tokens, in_line[number - 1], quantity):
            continue
        is_dash = quantity.reason == MAY_BE_DASH and parts[0].text == "-"
        if (whole := subject(tokens, in_line[:number], quantity)) is not None:
            quantity, is_dash, number = whole, False, in_line.index(whole)
        first = _first_of_list(tokens, in_line[:number], quantity, quantity.start + is_dash)
        start, end = _bounds(plain, tokens, first, quantity)
        earlier = [item for item in in_line[:number] if item.end <= first]
        other_answers = (
            rivals(tokens, earlier, quantity) if first == quantity.start + is_dash else []
        )
        return LastQuantity(
            plain[start:end],
            0,
            first < quantity.start,
            tuple(
                plain[slice(*_bounds(plain, tokens, item.start, item))] for item in other_answers
            ),
            is_retracted(plain[:start], plain[end:] + next_lines),
        )
    return None


def _is_contrast(tokens: list[Token], one: Quantity, other: Quantity) -> bool:
    """Whether the second number is what the first is not: 6, not 5; 20 rather than 18."""
    between = tokens[end_of_unit(tokens, one.end) : other.start]
    words = [token.word for token in between if token.word]
    return " ".join(words) in _CONTRASTS and len(between) <= len(words) + 1


def _has_digits(tokens: list[Token]) -> bool:
    return any(token.kind in _IN_DIGITS for token in tokens)


def _bounds(plain: str, tokens: list[Token], first: int, quantity: Quantity) -> tuple[int, int]:
    """Where the text of a quantity begins and ends, with what changes it."""
    start = tokens[first - _before(tokens, first)].start
    end = _end(tokens, quantity.end, quantity.reason == VARIABLE)
    is_absolute = plain[start] == "|" and plain[end : end + 1] == "|"
    return start, end + is_absolute


def _first_of_list(tokens: list[Token], before: list[Quantity], last: Quantity, start: int) -> int:
    """Where a list begins that ends with `last`: 5 or 6; 5 to 10; x = 5 or x = 6; 2 feet 3 inches.

    start: where `last` begins, without what may be a dash
    """
    following = last
    for quantity in reversed(before):
        between = tokens[end_of_unit(tokens, quantity.end) : start]
        words = [token.word or token.text for token in between if token.text != ","]
        if len(between) > MOST_BETWEEN or not _are_of_a_list(words):
            break
        if not between and not _is_smaller(tokens, following, quantity):
            break
        start, following = quantity.start, quantity
    return start


def _are_of_a_list(words: list[str]) -> bool:
    names = [word for word in words if word not in _JOINS]
    return not names or (len(names) < len(words) and names[1:] == ["="] and len(names[0]) == 1)


def _is_smaller(tokens: list[Token], quantity: Quantity, larger: Quantity) -> bool:
    """Whether two quantities are one, such as 2 hours 30 minutes."""
    unit, smaller = unit_of(tokens, larger), unit_of(tokens, quantity)
    return unit is not None and smaller is not None and max(ratios(unit, smaller), default=0) > 1


def _before(tokens: list[Token], index: int) -> int:
    """How many tokens before tokens[index] change the quantity there: root of, f(, not, >."""
    before, more = at(tokens, index - 1), at(tokens, index - 2)
    if (start := start_of_function(tokens, index)) is not None:
        return index - start
    if before.word == "of" and more.word in CHANGES_OF:
        return 2
    if before.text == "|" and at(tokens, index).spaced:  # the cell of a table
        return 0
    is_sign = before.kind == "latex" or (before.kind == "symbol" and before.text in _CHANGING)
    if before.text in ("<", ">"):  # not the end of a tag, or of a calculation: <<2*5=10>>10
        is_sign = before.spaced or len(more.word) == 1
    if before.text in "_^" and before.kind == "symbol" and more.kind == "word":  # x_5
        return 2
    denial = denied_from(tokens, index)
    if denial is not None:
        return index - denial
    return int(is_sign or before.word in _CHANGING_WORDS) or _unsolved_side(tokens, index)


def _unsolved_side(tokens: list[Token], index: int) -> int:
    """How many tokens before a number are the side of an equation with an unknown: 2x = 5."""
    start = index - 1
    if at(tokens, start).text != "=":
        return 0
    while start > 0 and _is_of_side(tokens[start - 1]):
        start -= 1
    return index - start if is_unsolved(tokens[start : index - 1]) else 0


def _is_of_side(token: Token) -> bool:
    is_letter = len(token.word) == 1 and token.text.isascii()
    is_sign = token.kind == "symbol" and token.text in "+-*/\u00d7\u00f7()|\u221a"
    return is_letter or is_sign or token.kind in ("number", "power")


def _goes_on(tokens: list[Token], end: int) -> bool:
    """Whether a number goes on before tokens[end]: 18 + x, 18 times that."""
    after, more = at(tokens, end), at(tokens, end + 1)
    if after.word == "times":
        return more.word in COMPARED
    is_operator = after.kind == "symbol" and after.text in "+-*/^\u00d7\u00f7" and after.text
    is_letter = len(more.word) == 1 and more.word not in "ai" and more.text.isascii()
    return bool(is_operator) and after.spaced == more.spaced and is_letter


def _end(tokens: list[Token], end: int, is_variable: bool) -> int:
    """Where the text of a quantity ends, with what stands against it (25\u03c0) or changes it."""
    end = end_of_unit(tokens, end)
    after = at(tokens, end)
    if (denial := denied_until(tokens, end)) is not None:
        return at(tokens, denial - 1).end
    is_name = at(tokens, end + 1).kind == "number" and not at(tokens, end + 1).spaced  # 18 H2O
    if is_variable and len(after.word) == 1 and not is_name:  # 5 x
        return after.end
    if after.text == "_" and not after.spaced:  # 12_8, 12_{8}
        is_braced = at(tokens, end + 1).text == "{" and at(tokens, end + 3).text == "}"
        return at(tokens, end + 3 if is_braced else end + 1).end
    is_attached = after.kind in ("word", "latex", "power") and not after.spaced
    if _goes_on(tokens, end):
        return at(tokens, end + 1).end
    is_changed = after.kind == "latex" or after.word in CHANGES_AFTER
    while end < len(tokens) and (is_attached or is_changed):
        end += 1
        after = at(tokens, end)
        is_attached, is_changed = after.kind == "power" and not after.spaced, False
    return tokens[end - 1].end
