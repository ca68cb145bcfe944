"""The records that an import reads from a file: generations, rejections, repetitions."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, count
from math import isfinite
from typing import Any

from data.errors import UserError
from data.store import fingerprint
from evals.graders import joined_targets

STAGE = "import"  # of generations that name none
LONGEST_STAGE = 100  # [characters]
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")


class UnusableRow(UserError):
    """A row without a usable generation. The message is the reason, one of a few fixed phrases."""


@dataclass(frozen=True)
class Line:
    """A line of a file that is a JSON object. number: from 1."""

    number: int
    row: dict[str, Any]
    content: str


@dataclass(frozen=True, kw_only=True)
class Generation:
    """One generation of a file, with its problem.

    line: from 1; in a file without lines, the position of its sample
    label: correct or not according to the file
    finish: stop, length or None for unknown
    tokens: of the text, as the file counts them
    """

    line: int
    problem_id: str
    question: str
    gold: str
    text: str
    stage: str = STAGE
    sample: int = 0
    label: bool | None = None
    finish: str | None = None
    tokens: int | None = None


@dataclass(frozen=True)
class Rejection:
    """A line, or a part of it, that is not a usable generation, with the reason."""

    line: int
    reason: str
    content: str


@dataclass(frozen=True)
class Repeated:
    """A line that repeats the generation of another line; it adds at most a label."""

    line: int


Record = Generation | Rejection | Repeated


def problem_id_of(question: str, gold: str) -> str:
    """The id that a conversion of the dataset itself gives the problem."""
    return fingerprint(question=question.strip(), gold=gold)[:32]


def gold_of(target: str) -> str:
    """The part of a target after GSM8K's `####`; the whole target if there is none."""
    return target.rpartition("####")[2].strip() or target.strip()


def text_of(value: Any) -> str | None:
    """`value` as text, if it is a string or a number; None for a list, an object, null or NaN."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, float) and not isfinite(value):
        return None  # tables write a gap as NaN
    # a lone surrogate cannot be stored as UTF-8
    return str(value).encode("utf-8", "replace").decode()


def gold_of_targets(target: Any) -> str | None:
    """The reference answer of a target, or of a list of correct targets; None where it is no text.

    Gaps in a list are left out.
    """
    if not isinstance(target, list):
        text = text_of(target)
        return None if text is None else gold_of(text)
    texts = [text_of(entry) for entry in target if entry is not None]
    golds = [gold_of(text) for text in texts if text is not None]
    return joined_targets(golds) if texts and len(golds) == len(texts) else None


def stage_names(names: Iterable[str]) -> dict[str, str]:
    """Each name -> a form of it that can name a folder; no two have the same, by a number.

    A name that can name a folder is its own form.
    """
    plain = {name: _plain(name) for name in names}
    stages: dict[str, str] = {}
    taken: set[str] = set()  # without case, as some file systems have none
    for name in sorted(plain, key=lambda name: name != plain[name]):
        forms = chain((plain[name],), (_numbered(plain[name], number) for number in count(2)))
        stages[name] = next(form for form in forms if form.casefold() not in taken)
        taken.add(stages[name].casefold())
    return stages


def _plain(name: str) -> str:
    return _NOT_IN_A_NAME.sub("-", name).strip(".-")[:LONGEST_STAGE] or STAGE


def _numbered(name: str, number: int) -> str:
    suffix = f"-{number}"
    return name[: LONGEST_STAGE - len(suffix)] + suffix
