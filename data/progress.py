"""How a long computation reports its progress: the types that every floor shares."""

from collections.abc import Callable, Mapping
from typing import Protocol


class Progress(Protocol):
    """Called after each step. numbers: shown beside the count, such as the loss."""

    def __call__(self, done: int, total: int, numbers: Mapping[str, float], /) -> None: ...


# name of a piece of work ("sft", "convert gsm8k") -> its progress
ProgressReporter = Callable[[str], Progress]


def no_progress(done: int, total: int, numbers: Mapping[str, float], /) -> None:
    """Reports nothing: the default where nobody watches."""
