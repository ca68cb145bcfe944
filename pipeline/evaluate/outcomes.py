"""What became of each sample that an evaluation asked for: an answer, or why there is none."""

from dataclasses import dataclass
from typing import Any, Protocol


class Wanted(Protocol):
    """A sample of a problem that is asked for. settings: of its sampling, as the store keeps them.

    Samples are numbered from 0; the seed is the sample's own.
    """

    @property
    def problem_id(self) -> str: ...
    @property
    def sample(self) -> int: ...
    @property
    def seed(self) -> int: ...
    @property
    def settings(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Answer:
    """A completion. text without the stop token.

    tokens: as they were counted, with the stop token, or None where a server did not say
    finish: stop (the model ended by itself), length (it was cut off), or None where unknown
    """

    request: Wanted
    text: str
    tokens: int | None
    finish: str | None


@dataclass(frozen=True)
class LeftOut:
    """A request without a completion: it is never stored as an empty one.

    reason: one of a few fixed phrases      said: the server's own words, cut
    again:  whether asking later may help
    """

    request: Wanted
    reason: str
    said: str
    again: bool
