"""Failure categories: what is wrong with a generation. It may have several, each with evidence.

They are computed from the text, the question, the reference answer, and the verdicts of `strict`
and `lenient`. A category is an observation, not a cause. Its evidence is a span of the text. A row
that is correct has no errors: who shows categories leaves out those of correct rows.
"""

import re
from fractions import Fraction
from typing import NamedTuple

from data.conversion import find_blocks
from data.conversion.dialects import markers_in, read_dialects
from data.duplicates import loop_in
from data.numbers import Number, parse_number, read_answer
from data.response_format import (
    ANSWER_CLOSE,
    ANSWER_OPEN,
    REASONING_CLOSE,
    TAGS,
)
from evals.failures.arithmetic import Slip, slips
from evals.graders import Score, gold_numbers, well_formed, within_ten_percent

VERSION = "3"
UNCATEGORISED = "uncategorised"
ONLY_LENIENT = "right only under lenient"  # the one category that a correct row may have
SUSPECT_GOLD = "gold suspect"  # of all samples of a problem: evals/failures/suspect_golds.py
# what is said of the form alone does not explain a wrong answer
OF_FORM = ("no format", "text outside the blocks")
CATEGORIES = {
    "empty": "nothing but white space",
    "unfinished thought": "its thought is never closed, in whatever tags",
    "token limit": "ended by the limit of tokens",
    "degenerate loop": "the text says the same again and again",
    "no final answer": "no answer block or box, none announced, no number in its last line",
    "two answers": "several answer blocks, or several numbers in one",
    "answer not a number": "an answer was found, and it is no number though the gold is one",
    "near miss": "the final answer is wrong, and within 10 % of the gold",
    "off by sign": "wrong, and right with the other sign",
    "off by a factor of 10": "wrong by a power of ten up to a million",
    "off by a unit": "wrong by a factor between two units: 7, 12, 24, 60, 100 and the like",
    "off by one": "wrong, a whole number, and one more or less than the gold",
    "copied from the question": "wrong, and the answer is a number that the question gives",
    "arithmetic slip": "an equation of numbers inside the reasoning is wrong",
    "contradictory reasoning": "right, though the reasoning ends with another result",
    ONLY_LENIENT: "right, but not in the format",
    "no format": "not one reasoning block, then one answer block",
    "text outside the blocks": "both blocks are there, with text around or between them",
    UNCATEGORISED: "not correct, and none of the other causes was recognised",
    SUSPECT_GOLD: "all of four or more samples agree on another answer than the gold",
}
UNITS = (7, 12, 16, 24, 30, 36, 52, 60, 100, 365, 1_000, 3_600, 5_280)
TENS = tuple(10**power for power in range(1, 7))

# what announces a final answer; more than graders read an answer from, so that none is overlooked
_ANNOUNCED = re.compile(
    r"\\boxed|\\fbox|####|\banswers?\b|\bresult is\b|^\W{0,9}a\W{0,3}:|\u7b54\u6848|solution\|>",
    re.IGNORECASE | re.MULTILINE,
)
_TAGS = re.compile("|".join(map(re.escape, TAGS)))
_NUMBER = re.compile(r"[-\u2212]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?", re.ASCII)
_RESULT = re.compile(
    r"=\s*(?:\$\s?)?([-\u2212]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?)", re.ASCII
)
# the instruction, said again ("between <answer> and </answer>"), or its tags around nothing
_TEMPLATE = re.compile(
    rf"{ANSWER_OPEN}[\s`'\"]*(?:and|or|\.{{3}}|\u2026|(?:the |your |final )*answer(?: here)?)?"
    rf"[\s`'\"]*{ANSWER_CLOSE}",
    re.IGNORECASE,
)


class Category(NamedTuple):
    """`name` of CATEGORIES, with its evidence: [start, end) of the generated text."""

    name: str
    start: int
    end: int


def categories(
    text: str, question: str, gold: str, finish: str | None, strict: Score, lenient: Score
) -> list[Category]:
    """What is wrong with one generation, in the order of CATEGORIES; empty where nothing is.

    finish: stop, length or None where it is unknown
    """
    if not text.strip():
        return [Category("empty", 0, len(text))]
    thought_end, unfinished = _thought(text)
    result = [Category("unfinished thought", *unfinished)] if unfinished else []
    result += _of_form(text, finish, strict)
    if lenient.correct is not True:
        names = {category.name for category in result}
        is_cut = bool(names & {"unfinished thought", "token limit", "degenerate loop"})
        if strict.format or _has_final_answer(text, thought_end, is_cut, lenient.extracted):
            result += _of_answer(text, question, gold, lenient)
        else:
            result.append(Category("no final answer", max(0, len(text) - 40), len(text)))
    result += [Category("arithmetic slip", slip.start, slip.end) for slip in _slips(text)]
    if strict.correct and (span := _contradiction(text, gold)):
        result.append(Category("contradictory reasoning", *span))
    if lenient.correct and not strict.correct:
        result.append(Category(ONLY_LENIENT, *_span(text, lenient.extracted)))
    if not (lenient.correct or strict.correct or {c.name for c in result}.difference(OF_FORM)):
        result.append(Category(UNCATEGORISED, 0, len(text)))
    order = list(CATEGORIES)
    return sorted(result, key=lambda category: order.index(category.name))


def _of_form(text: str, finish: str | None, strict: Score) -> list[Category]:
    result = []
    if finish == "length":
        result.append(Category("token limit", max(0, len(text) - 40), len(text)))
    if loop := loop_in(text):
        result.append(Category("degenerate loop", *loop))
    opened = [
        match.start()
        for match in re.finditer(re.escape(ANSWER_OPEN), text)
        if not _TEMPLATE.match(text, match.start())
    ]
    if len(opened) > 1:
        result.append(Category("two answers", opened[1], opened[1] + len(ANSWER_OPEN)))
    if strict.format:
        return result
    result.append(Category("no format", 0, len(text)))
    return result + [
        Category("text outside the blocks", start, end) for start, end in _outside_blocks(text)
    ]


def _thought(text: str) -> tuple[int, tuple[int, int] | None]:
    """Where the thought ends, 0 where there is none; and the opener of one that is never closed."""
    table = read_dialects(None)
    blocks = find_blocks(text, markers_in(text, table), table)
    for defect in blocks.defects:
        if defect.phrase == "thought never closed":
            return len(text), (defect.start, defect.end)
    return (blocks.reasoning.end if blocks.reasoning else 0), None


def _has_final_answer(text: str, thought_end: int, is_cut: bool, extracted: str | None) -> bool:
    """Whether the answer that `lenient` read was given as one, after the thought.

    In a text that ended of itself the number of its last line is one, too.
    """
    after = text[thought_end:]
    if extracted is None or extracted not in after:
        return False
    if _ANNOUNCED.search(after):
        return True
    return not is_cut and extracted in after.rstrip().rpartition("\n")[2]


def _outside_blocks(text: str) -> list[tuple[int, int]]:
    """Spans around and between the blocks, if each tag occurs once and they are in order."""
    tags = list(_TAGS.finditer(text))
    if tuple(match.group() for match in tags) != TAGS:
        return []
    edges = [0, tags[0].start(), tags[1].end(), tags[2].start(), tags[3].end(), len(text)]
    return [
        (start, end)
        for start, end in zip(edges[::2], edges[1::2], strict=True)
        if text[start:end].strip()
    ]


def _of_answer(text: str, question: str, gold: str, lenient: Score) -> list[Category]:
    references = gold_numbers(gold)
    answer = lenient.extracted
    if references is None or answer is None or lenient.correct:
        return []
    span = _span(text, answer)
    reading = read_answer(answer)
    if reading.value is None:
        has_several = len(reading.alternatives or ()) > 1
        return [Category("two answers" if has_several else "answer not a number", *span)]
    value = reading.value
    misses = [name for one in references for name in _misses(value, one, question)]
    is_right = value in references  # what another grader accepts
    return [] if is_right else [Category(name, *span) for name in dict.fromkeys(misses)]


def _misses(value: Number, reference: Number, question: str) -> list[str]:
    """How a wrong number relates to the reference answer and to the question."""
    names: list[str] = []
    if value == reference:
        return names
    if within_ten_percent(value, reference):
        names.append("near miss")
    if value == -reference:
        names.append("off by sign")
    ratio = abs(Fraction(value) / Fraction(reference)) if reference and value else Fraction(0)
    factor = max(ratio, 1 / ratio) if ratio else Fraction(0)
    if factor in TENS:
        names.append("off by a factor of 10")
    if factor in UNITS:
        names.append("off by a unit")
    if abs(value - reference) == 1 and Fraction(value).denominator == 1:
        names.append("off by one")
    if value in {parse_number(match.group()) for match in _NUMBER.finditer(question)}:
        names.append("copied from the question")
    return names


def _slips(text: str) -> list[Slip]:
    """Arithmetic slips in the reasoning; in a text without blocks, in all of it."""
    blocks = well_formed(text)
    end = text.find(REASONING_CLOSE)
    limit = end if blocks is not None or end >= 0 else len(text)
    return [slip for slip in slips(text) if slip.end <= limit]


def _contradiction(text: str, gold: str) -> tuple[int, int] | None:
    """The span where the reasoning of a correct answer ends with another result, if it does."""
    references = gold_numbers(gold)
    end = text.find(REASONING_CLOSE)
    results = list(_RESULT.finditer(text, 0, end)) if end >= 0 else []
    if not results or references is None:
        return None
    last = results[-1]
    if parse_number(last[1]) in references:
        return None
    later = _NUMBER.finditer(text, last.end(), end)
    return None if any(parse_number(m.group()) in references for m in later) else last.span()


def _span(text: str, answer: str | None) -> tuple[int, int]:
    """The span of an extracted answer: its last occurrence, as graders search for the last."""
    start = text.rfind(answer) if answer else -1
    return (start, start + len(answer)) if answer and start >= 0 else (0, len(text))
