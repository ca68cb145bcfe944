"""Graders: named, versioned rules that map a text and its reference answer to a verdict.

A verdict is None (unknown), not False, where it cannot be decided; the score then has a reason.
Training rewards call these same functions. All take linear time for any text, except `math`, which
has a timeout.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from data.errors import UserError
from evals.graders import extract, math, tunix_notebook
from evals.graders.numbers import (
    Number,
    Reading,
    parse_number,
    parse_plain_number,
    read_answer,
    within_ten_percent,
)

DEFAULT_GRADER = "strict"  # of rewards, of evaluations, and of every comparison that names none
GOLD_IS_NO_NUMBER = "the gold is no number"
LONGEST_EXTRACTED = 200  # [characters] of an answer that a score stores; the text holds the rest


class Score(NamedTuple):
    """The verdict of a grader on one text.

    format: the text is in the format          extracted: the answer in the text, or None
    correct: it equals the reference answer    partial: it lies within 10 % of the reference
    reason: why a verdict is None, or why the extracted answer is not a number
    """

    format: bool
    extracted: str | None
    correct: bool | None
    partial: bool | None
    reason: str | None = None


@dataclass(frozen=True)
class Grader:
    """A rule, its name, and the version under which its verdicts are stored."""

    name: str
    version: str
    grade: Callable[[str, str], Score]


def strict(text: str, gold: str) -> Score:
    """Only a text in the format can be correct. Its answer is the answer block, or a box in it."""
    blocks = extract.well_formed(text)
    answer = extract.answer_of_block(blocks.answer) if blocks else None
    return grade_answer(blocks is not None, answer, gold)


def lenient(text: str, gold: str) -> Score:
    """The answer may be anywhere in the text; the format is graded separately."""
    blocks = extract.well_formed(text)
    if blocks is not None:
        return grade_answer(True, extract.answer_of_block(blocks.answer), gold)
    return grade_answer(False, extract.find_answer(text), gold)


def grade_answer(in_format: bool, extracted: str | None, gold: str) -> Score:
    """The score of an extracted answer; no answer at all is incorrect.

    An answer that is not one number is incorrect if no reading of it equals the reference answer,
    otherwise unknown.
    """
    stored = None if extracted is None else extracted[:LONGEST_EXTRACTED]
    reference = gold_number(gold)
    if reference is None:
        return Score(in_format, stored, None, None, GOLD_IS_NO_NUMBER)
    if extracted is None:
        return Score(in_format, None, False, False)
    value = parse_plain_number(extracted)
    if value is not None:
        near = within_ten_percent(value, reference)
        return Score(in_format, stored, value == reference, near)
    reading = read_answer(extracted)
    correct = _verdict(reading, lambda value: value == reference)
    partial = _verdict(reading, lambda value: within_ten_percent(value, reference))
    is_sure = reading.value is not None and correct is not None and partial is not None
    return Score(in_format, stored, correct, partial, None if is_sure else reading.reason)


@lru_cache(maxsize=1 << 16)  # each problem is answered many times
def gold_number(gold: str) -> Number | None:
    """The reference answer as a number, or None if it is none."""
    return parse_number(gold)


def _verdict(reading: Reading, holds: Callable[[Number], bool]) -> bool | None:
    """Whether the condition holds for an answer that may be read in several ways.

    True if it holds for the value, the most likely reading, or for all readings where there is no
    value; False if it holds for none; None if it holds for some of the alternatives only.
    """
    if reading.value is not None and holds(reading.value):
        return True
    if reading.alternatives is None:
        return None
    results = [holds(alternative) for alternative in reading.alternatives]
    if reading.value is None and results and all(results):
        return True
    return None if any(results) else False


def math_answer(text: str, gold: str) -> Score:
    """Numbers, LaTeX and symbols; math-verify compares what is not a plain number."""
    in_format = extract.well_formed(text) is not None
    extracted, undecided = math.find_answer(text, gold)
    if extracted is None:
        return Score(in_format, None, False, False)
    stored = extracted[:LONGEST_EXTRACTED]
    if undecided is not None:
        return Score(in_format, stored, None, None, undecided)
    return Score(in_format, stored, *math.compare(gold, extracted))


def notebook(text: str, gold: str) -> Score:
    """The verdict of Tunix's GRPO notebook, faults included, to compare with published numbers."""
    extracted = tunix_notebook.extract(text)
    correct, partial = tunix_notebook.verdicts(extracted, gold)
    stored = None if extracted is None else extracted[:LONGEST_EXTRACTED]
    return Score(tunix_notebook.in_format(text), stored, correct, partial)


GRADERS: dict[str, Grader] = {
    "strict": Grader("strict", "2", strict),
    "lenient": Grader("lenient", "2", lenient),
    "notebook": Grader("notebook", "1", notebook),
    "math": Grader("math", "1", math_answer),
}


def grader(name: str) -> Grader:
    """The grader of this name."""
    if name not in GRADERS:
        raise UserError(
            f"there is no grader {name!r}; expected one of {', '.join(GRADERS)}. Name one of them."
        )
    return GRADERS[name]
