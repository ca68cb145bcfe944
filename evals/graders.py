"""Graders: named, versioned rules from a text and its gold to a verdict.

A verdict is unknown (None), not false, where it cannot be decided; then it carries the reason.
Training rewards call these same functions.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from evals import answers
from evals.equality import number, same_words, within_tenth

GOLD_IS_NO_NUMBER = "the gold is no number"
ANSWER_IS_NO_NUMBER = "answer is no single number"


class UnknownGrader(ValueError):
    """A grader of this name does not exist."""


@dataclass(frozen=True)
class Score:
    """format: the text is in the format.   extracted: the answer found, or None
    correct: the answer equals the gold.    partial: it lies within 10 % of the gold
    reason: why `correct` is None, or why an extracted answer cannot be right
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
    """Only a text in the format can be right; its answer is what the answer block holds."""
    blocks = answers.well_formed(text)
    return judged(blocks is not None, blocks.answer.strip() if blocks else None, gold)


def lenient(text: str, gold: str) -> Score:
    """The answer may stand anywhere; the format is judged apart."""
    return judged(answers.well_formed(text) is not None, answers.anywhere(text), gold)


def judged(in_format: bool, extracted: str | None, gold: str) -> Score:
    """The verdict on an extracted answer."""
    right = number(gold)
    if right is None:
        return Score(in_format, extracted, None, None, GOLD_IS_NO_NUMBER)
    if extracted is None:
        return Score(in_format, None, False, False)
    value = number(extracted)
    if value is None:
        same = same_words(extracted, gold)
        return Score(in_format, extracted, same, same, None if same else ANSWER_IS_NO_NUMBER)
    return Score(in_format, extracted, value == right, within_tenth(value, right))


# The rules of Tunix's GRPO notebook for Gemma 3 on GSM8K, faults and all, so that published numbers
# can be compared: text around the blocks passes, "1,200" reads as 1, "-5" as 5.
_NOTEBOOK_FORMAT = re.compile(
    r"^[\s]{0,}<reasoning>.+?</reasoning>.*?<answer>(.+?)</answer>[\s]{0,}$",
    re.MULTILINE | re.DOTALL,
)
_NOTEBOOK_NUMBER = re.compile(r"<answer>.*?([\d\.]{1,})", re.MULTILINE | re.DOTALL)


def notebook(text: str, gold: str) -> Score:
    """The verdict of the reference notebook. What its code cannot read as a float is wrong there."""
    in_format = _notebook_format(text)
    place = text.find("<answer>")
    found = _NOTEBOOK_NUMBER.match(text, place) if place >= 0 else None
    if found is None:
        return Score(in_format, None, False, False)
    extracted = found.group(1)
    try:
        value, right = float(extracted.strip()), float(gold.strip())
    except ValueError:
        return Score(in_format, extracted, False, False, "the notebook cannot read it as a float")
    near = 0.9 <= value / right <= 1.1 if right else False
    return Score(in_format, extracted, value == right, near)


def _notebook_format(text: str) -> bool:
    # the search is cubic in the number of tags; without each of the four it cannot match
    if not all(tag in text for tag in ("<reasoning>", "</reasoning>", "<answer>", "</answer>")):
        return False
    if text.count("<reasoning>") > 50 or text.count("<answer>") > 50:
        text = text[:20_000]
    return _NOTEBOOK_FORMAT.search(text) is not None


GRADERS: dict[str, Grader] = {
    "strict": Grader("strict", "1", strict),
    "lenient": Grader("lenient", "1", lenient),
    "notebook": Grader("notebook", "1", notebook),
}


def grader(name: str) -> Grader:
    """The grader of that name."""
    if name not in GRADERS:
        raise UnknownGrader(f"no grader {name!r}; the graders are {', '.join(GRADERS)}")
    return GRADERS[name]
