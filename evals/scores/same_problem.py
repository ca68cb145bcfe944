"""When two stored problems are one: the same question, and reference answers of one value."""

import re
import unicodedata
from collections.abc import Hashable

from data.numbers import comparable
from evals.graders import gold_number, targets_of

_MODULUS = re.compile(r"mod\b", re.IGNORECASE)


def content_of_problem(question: str, gold: str) -> tuple[Hashable, ...]:
    """A value that two problems share if they are one, whatever their ids.

    Blanks do not count, nor how a number is written: 72, 72.0 and #### 72 are one reference answer,
    nor in which order several correct targets stand.
    """
    answers = frozenset(_value_of(target) for target in targets_of(gold))
    answer = answers if len(answers) > 1 else next(iter(answers))
    return " ".join(unicodedata.normalize("NFC", question).split()), answer


def _value_of(target: str) -> Hashable:
    number = None if _MODULUS.search(target) else gold_number(target)
    return comparable(target).casefold() if number is None else number
