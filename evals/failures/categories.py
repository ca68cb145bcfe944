"""Failure categories: what is wrong with a generation, several at once, each with its evidence.

They are computed from the text, its question and gold, and the verdicts of `strict` and `lenient`.
A category says what was seen, not why the model did it. CATEGORIES says what each of them means;
the evidence is a span of the generated text.
"""

import re
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from data.conversion import loop_in
from data.response_format import ANSWER_CLOSE, ANSWER_OPEN, REASONING_CLOSE, REASONING_OPEN
from evals.failures.arithmetic import slips
from evals.graders import Number, Score, extract, gold_number, number, read, within_tenth

VERSION = "1"
CATEGORIES = {
    "empty": "nothing but white space",
    "truncated": "ended by the limit of tokens; where that is unknown, a block is left open",
    "repetition": "the text says the same again and again",
    "no format": "not one reasoning block, then one answer block",
    "text outside the blocks": "both blocks are there, with text around or between them",
    "two answers": "several answer blocks, or several numbers in one",
    "answer not a number": "an answer was found, and it is no number though the gold is one",
    "near miss": "wrong, and within 10 % of the gold",
    "off by sign": "wrong, and right with the other sign",
    "off by a factor of 10": "wrong by a power of ten up to a million",
    "off by a unit": "wrong by a factor between two units: 7, 12, 24, 60, 100 and the like",
    "off by one": "wrong, a whole number, and one more or less than the gold",
    "copied from the question": "wrong, and the answer is a number that the question gives",
    "arithmetic slip": "an equation of numbers inside the reasoning is wrong",
    "contradictory reasoning": "right, though the reasoning ends with another result",
    "right only under lenient": "right, but not in the format",
    "gold suspect": "all of four or more samples agree on another answer than the gold",
}
UNITS = (7, 12, 16, 24, 30, 36, 52, 60, 100, 365, 1_000, 3_600, 5_280)
TENS = tuple(10**power for power in range(1, 7))
SUSPECT = 4  # samples that must agree before a gold is suspected
TAGS = (REASONING_OPEN, REASONING_CLOSE, ANSWER_OPEN, ANSWER_CLOSE)

_TAGS = re.compile("|".join(map(re.escape, TAGS)))
_NUMBER = re.compile(r"[-\u2212]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?", re.ASCII)
_RESULT = re.compile(
    r"=\s*(?:\$\s?)?([-\u2212]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?)", re.ASCII
)


class Category(NamedTuple):
    """`name` of CATEGORIES, seen at [start, end) of the generated text."""

    name: str
    start: int
    end: int


def categories(
    text: str, question: str, gold: str, finish: str | None, strict: Score, lenient: Score
) -> list[Category]:
    """What is wrong with one generation, in the order of CATEGORIES; empty where nothing is.

    finish: stop, length or None where it is unknown
    """
    whole = (0, len(text))
    if not text.strip():
        return [Category("empty", *whole)]
    found = [*_form(text, finish, strict), *_of_answer(text, question, gold, strict, lenient)]
    found += [Category("arithmetic slip", slip.start, slip.end) for slip in _slips(text)]
    if strict.correct and (place := _contradiction(text, gold)):
        found.append(Category("contradictory reasoning", *place))
    if lenient.correct and not strict.correct:
        found.append(Category("right only under lenient", *_place(text, lenient.extracted)))
    order = list(CATEGORIES)
    return sorted(found, key=lambda category: order.index(category.name))


def _form(text: str, finish: str | None, strict: Score) -> list[Category]:
    found = []
    if finish == "length" or (finish is None and not strict.format and _is_left_open(text)):
        found.append(Category("truncated", max(0, len(text) - 40), len(text)))
    if loop := loop_in(text):
        found.append(Category("repetition", *loop))
    opened = [match.start() for match in re.finditer(re.escape(ANSWER_OPEN), text)]
    if len(opened) > 1:
        found.append(Category("two answers", opened[1], opened[1] + len(ANSWER_OPEN)))
    if strict.format:
        return found
    found.append(Category("no format", 0, len(text)))
    return found + [
        Category("text outside the blocks", start, end) for start, end in _outside(text)
    ]


def _is_left_open(text: str) -> bool:
    return any(
        text.rfind(opener) > text.rfind(closer)
        for opener, closer in ((REASONING_OPEN, REASONING_CLOSE), (ANSWER_OPEN, ANSWER_CLOSE))
    )


def _outside(text: str) -> list[tuple[int, int]]:
    """Stretches around and between the blocks, where each tag stands once and in order."""
    found = list(_TAGS.finditer(text))
    if tuple(match.group() for match in found) != TAGS:
        return []
    edges = [0, found[0].start(), found[1].end(), found[2].start(), found[3].end(), len(text)]
    return [
        (start, end)
        for start, end in zip(edges[::2], edges[1::2], strict=True)
        if text[start:end].strip()
    ]


def _of_answer(
    text: str, question: str, gold: str, strict: Score, lenient: Score
) -> list[Category]:
    right = gold_number(gold)
    said = lenient.extracted
    if right is None or said is None or lenient.correct:
        return []
    place = _place(text, said)
    reading = read(said)
    if reading.value is None:
        several = len(reading.others or ()) > 1
        name = "two answers" if several else "answer not a number"
        return [Category(name, *place)]
    return [Category(name, *place) for name in _misses(reading.value, right, question)]


def _misses(value: Number, right: Number, question: str) -> list[str]:
    """What a wrong number has to do with the right one."""
    found = []
    if value == right:
        return found
    if within_tenth(value, right):
        found.append("near miss")
    if value == -right:
        found.append("off by sign")
    ratio = abs(Fraction(value) / Fraction(right)) if right and value else Fraction(0)
    factor = max(ratio, 1 / ratio) if ratio else Fraction(0)
    if factor in TENS:
        found.append("off by a factor of 10")
    if factor in UNITS:
        found.append("off by a unit")
    if abs(value - right) == 1 and Fraction(value).denominator == 1:
        found.append("off by one")
    if value in {number(match.group()) for match in _NUMBER.finditer(question)}:
        found.append("copied from the question")
    return found


def _slips(text: str):
    """Of the reasoning; of a text without blocks, of all of it."""
    blocks = extract.well_formed(text)
    end = text.find(REASONING_CLOSE)
    until = end if blocks is not None or end >= 0 else len(text)
    return [slip for slip in slips(text) if slip.end <= until]


def _contradiction(text: str, gold: str) -> tuple[int, int] | None:
    """Where the reasoning of a right answer ends with another result, and never comes back."""
    right = gold_number(gold)
    end = text.find(REASONING_CLOSE)
    results = list(_RESULT.finditer(text, 0, end)) if end >= 0 else []
    if not results or right is None:
        return None
    last = results[-1]
    if number(last[1]) == right:
        return None
    later = _NUMBER.finditer(text, last.end(), end)
    return None if any(number(match.group()) == right for match in later) else last.span()


def _place(text: str, said: str | None) -> tuple[int, int]:
    """Where the answer that was found stands; its last place, as graders look for the last."""
    at = text.rfind(said) if said else -1
    return (at, at + len(said)) if said and at >= 0 else (0, len(text))


def suspect(values: list[Number | None], right: Number | None) -> bool:
    """Whether all samples of a problem agree on one number, and that is not the gold.

    values: what each sample says, None where it is no number; from SUSPECT samples on
    """
    if right is None or len(values) < SUSPECT or values[0] is None or values[0] == right:
        return False
    return all(a == b for a, b in pairwise(values))
