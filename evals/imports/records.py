"""What a file of someone else's run says: generations, rejections, and what it says again."""

import re
from dataclasses import dataclass
from typing import Any

from data.errors import UserError
from data.store import fingerprint

STAGE = "import"  # of generations that name none
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")


class Unusable(UserError):
    """A row that holds no generation. Its text is the reason, one of a few fixed phrases."""


@dataclass(frozen=True)
class Line:
    """A line of a file that is a JSON object. number: from 1."""

    number: int
    row: dict[str, Any]
    content: str


@dataclass(frozen=True, kw_only=True)
class Generation:
    """One generation of a file, with its problem. label: right or wrong as the file says it.

    line: from 1; of a file that has no lines, the place of its sample
    finish: stop, length or unknown; tokens: of the text, as the file counts them
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
    """A line, or a part of it, that is no generation, and why."""

    line: int
    reason: str
    content: str


@dataclass(frozen=True)
class Repeated:
    """A generation that is another line's too, which adds a verdict to it at most."""

    line: int


Found = Generation | Rejection | Repeated


def problem_of(question: str, gold: str) -> str:
    """The id that a conversion of the dataset itself gives the problem."""
    return fingerprint(question=question.strip(), gold=gold)[:32]


def gold_of(target: str) -> str:
    """What stands after GSM8K's `####`; of a target without it, the whole."""
    return target.rpartition("####")[2].strip()


def text_of(value: Any) -> str | None:
    """A number may stand for a problem or a gold; a list, an object or null may not."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    # a lone surrogate cannot be stored as UTF-8
    return str(value).encode("utf-8", "replace").decode()


def first_text(target: Any) -> str | None:
    """The text of a target; where it is a list of right answers, of the first."""
    if isinstance(target, list):
        return text_of(target[0]) if target else None
    return text_of(target)


def stage_of(name: str) -> str:
    """`name` as it can name a folder."""
    return _NOT_IN_A_NAME.sub("-", name).strip(".-")[:100] or STAGE
