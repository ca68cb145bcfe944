"""Graders: named, versioned rules from a text and its gold to a verdict.

A verdict is unknown (None), not false, where it cannot be decided; then it carries the reason.
Training rewards call these same functions. All take linear time, whatever the text, but for `math`,
which has a limit of time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from data.errors import UserError
from evals.graders import extract, math as mathematics, tunix_notebook
from evals.graders.numbers import Number, number, plain, read, within_tenth

GOLD_IS_NO_NUMBER = "the gold is no number"
LONGEST_EXTRACTED = 200  # [characters] that a score keeps of an answer; the text has the rest


class Score(NamedTuple):
    """format: the text is in the format.   extracted: the answer found, or None
    correct: the answer equals the gold.    partial: it lies within 10 % of the gold
    reason: why a verdict is None, or why an answer that was found is no number
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
    """Only a text in the format can be right; its answer is what the block holds, or boxes."""
    blocks = extract.well_formed(text)
    return judged(blocks is not None, extract.of_block(blocks.answer) if blocks else None, gold)


def lenient(text: str, gold: str) -> Score:
    """The answer may stand anywhere; the format is judged apart."""
    blocks = extract.well_formed(text)
    if blocks is not None:
        return judged(True, extract.of_block(blocks.answer), gold)
    return judged(False, extract.anywhere(text), gold)


def judged(in_format: bool, extracted: str | None, gold: str) -> Score:
    """The verdict on an extracted answer; no answer at all is wrong.

    An answer that is not one number is wrong where no reading of it is right, else unknown.
    """
    kept = None if extracted is None else extracted[:LONGEST_EXTRACTED]
    right = gold_number(gold)
    if right is None:
        return Score(in_format, kept, None, None, GOLD_IS_NO_NUMBER)
    if extracted is None:
        return Score(in_format, None, False, False)
    value = plain(extracted)
    if value is not None:
        return Score(in_format, kept, value == right, within_tenth(value, right))
    said = read(extracted)
    correct = _verdict(said.value, said.others, lambda value: value == right)
    partial = _verdict(said.value, said.others, lambda value: within_tenth(value, right))
    known = said.value is not None and correct is not None and partial is not None
    return Score(in_format, kept, correct, partial, None if known else said.reason)


@lru_cache(maxsize=1 << 16)  # a problem is answered many times
def gold_number(gold: str) -> Number | None:
    """The number that the gold is, or None."""
    return number(gold)


def _verdict(
    value: Number | None, others: frozenset[Number] | None, holds: Callable[[Number], bool]
) -> bool | None:
    """Unknown where only some of the readings hold; that of `value` is surer and may decide."""
    if value is not None and holds(value):
        return True
    if others is None:
        return None
    held = [holds(other) for other in others]
    if value is None and held and all(held):
        return True
    return None if any(held) else False


def math(text: str, gold: str) -> Score:
    """Numbers, LaTeX and symbols, by math-verify where they are no plain numbers."""
    in_format = extract.well_formed(text) is not None
    extracted, unsure = mathematics.found_in(text, gold)
    if extracted is None:
        return Score(in_format, None, False, False)
    kept = extracted[:LONGEST_EXTRACTED]
    if unsure is not None:
        return Score(in_format, kept, None, None, unsure)
    return Score(in_format, kept, *mathematics.compared(gold, extracted))


def as_the_notebook(text: str, gold: str) -> Score:
    """The verdict of Tunix's GRPO notebook, faults and all: for comparing published numbers."""
    extracted = tunix_notebook.extracted(text)
    correct, partial = tunix_notebook.verdicts(extracted, gold)
    kept = None if extracted is None else extracted[:LONGEST_EXTRACTED]
    return Score(tunix_notebook.in_format(text), kept, correct, partial)


GRADERS: dict[str, Grader] = {
    "strict": Grader("strict", "2", strict),
    "lenient": Grader("lenient", "2", lenient),
    "notebook": Grader("notebook", "1", as_the_notebook),
    "math": Grader("math", "1", math),
}


def grader(name: str) -> Grader:
    """The grader of that name."""
    if name not in GRADERS:
        raise UserError(
            f"there is no grader {name!r}; expected one of {', '.join(GRADERS)}. Name one of them."
        )
    return GRADERS[name]
