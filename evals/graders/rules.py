"""Graders: named, versioned rules that map a text and its reference answer to a verdict.

A verdict is None (unknown), not False, where it cannot be decided; the score then has a reason.
Training rewards call these same functions. Numbers take linear time for any text; only what the
reader of numbers cannot decide goes to the symbolic grader, which has a timeout.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from data.errors import UserError
from evals.graders import tunix_notebook
from evals.graders.compare import NO_GOLD, WRONG, compare, compare_in_context, gold_number
from evals.graders.extract import Answer, answer_of_block, find_answer, well_formed
from evals.graders.targets import OR, targets_of

DEFAULT_GRADER = "strict"  # of rewards, of evaluations, and of every comparison that names none
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
    grade_target: Callable[[str, str], Score]

    def grade(self, text: str, gold: str) -> Score:
        """The score of a text; of several correct targets, the answer may equal any."""
        if OR not in gold:
            return self.grade_target(text, gold)
        return _of_any([self.grade_target(text, target) for target in targets_of(gold)])


def _of_any(scores: list[Score]) -> Score:
    """The score by several targets: unknown where none is equal and one is undecided."""
    undecided = [score for score in scores if score.correct is None]
    right = next((score for score in scores if score.correct), None)
    if right is not None:
        return right
    partials = {score.partial for score in scores}
    partial = True if True in partials else None if None in partials else False
    return (*undecided, *scores)[0]._replace(partial=partial)


def strict(text: str, gold: str) -> Score:
    """Only a text in the format can be correct. Its answer is the answer block, or a box in it."""
    blocks = well_formed(text)
    if blocks is None:
        return grade_answer(False, Answer(None), gold)
    return grade_answer(True, answer_of_block(blocks.answer, _is_number(gold)), gold)


def lenient(text: str, gold: str) -> Score:
    """The answer may be anywhere in the text; the format is graded separately."""
    blocks = well_formed(text)
    if blocks is not None:
        return grade_answer(True, answer_of_block(blocks.answer, _is_number(gold)), gold)
    return grade_answer(False, find_answer(text, _is_number(gold)), gold)


def _is_number(gold: str) -> bool:
    return gold_number(gold) is not None


def grade_answer(in_format: bool, answer: Answer, gold: str) -> Score:
    """The score of an extracted answer; no answer at all is incorrect."""
    if answer.text is None:
        return Score(in_format, None, *((None, None, NO_GOLD) if not gold.strip() else WRONG))
    if answer.reason is not None:
        verdict = (None, None, answer.reason)
        if answer.alone is not None and not any(
            compare(text, gold).correct is not False for text in (answer.text, answer.alone)
        ):
            verdict = WRONG  # whichever of the two it is
        return Score(in_format, _stored(answer.text), *verdict)
    if answer.alone is not None:
        return Score(
            in_format,
            _stored(answer.text),
            *compare_in_context(answer.text, answer.alone, gold, answer.doubt),
        )
    return Score(in_format, _stored(answer.text), *compare(answer.text, gold))


def _stored(answer: str | None) -> str | None:
    return None if answer is None else answer[:LONGEST_EXTRACTED]


def notebook(text: str, gold: str) -> Score:
    """The verdict of Tunix's GRPO notebook, faults included, to compare with published numbers."""
    extracted = tunix_notebook.extract(text)
    correct, partial = tunix_notebook.verdicts(extracted, gold)
    return Score(tunix_notebook.in_format(text), _stored(extracted), correct, partial)


GRADERS: dict[str, Grader] = {
    "strict": Grader("strict", "9", strict),
    "lenient": Grader("lenient", "9", lenient),
    "notebook": Grader("notebook", "1", notebook),
    "math": Grader("math", "8", lenient),
}


def grader(name: str) -> Grader:
    """The grader of this name."""
    if name not in GRADERS:
        raise UserError(
            f"there is no grader {name!r}; expected one of {', '.join(GRADERS)}. Name one of them."
        )
    return GRADERS[name]
