"""When two stored problems are one: the same question, and reference answers of one value."""

import re
import unicodedata
from collections.abc import Hashable

from data.numbers import comparable
from evals.graders import gold_number

_MODULUS = re.compile(r"mod\b", re.IGNORECASE)


def content_of_problem(question: str, gold: str) -> tuple[Hashable, ...]:
    """A value that two problems share if they are one, whatever their ids.

    Blanks do not count, nor how a number is written: 72, 72.0 and #### 72 are one reference answer.
    """
    number = None if _MODULUS.search(gold) else gold_number(gold)
    answer = comparable(gold).casefold() if number is None else number
    return " ".join(unicodedata.normalize("NFC", question).split()), answer
