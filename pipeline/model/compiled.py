"""Compiled programs, shared by models of one structure.

A jitted function keeps what it compiled, so a program built around the structure of a model must
itself be kept, or the next stage of a job would compile the same program again.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Program = TypeVar("Program")


class ProgramCache(Generic[Program]):
    """The programs of the newest few structures; the oldest is dropped first.

    A key is a list of what a program depends on, such as the graph of a model. Keys are compared
    by equality, in turn: a graph holds Tunix's configuration, which has no hash, so no key can be
    one of a dict.
    """

    def __init__(self, size: int = 4) -> None:
        self._entries: deque[tuple[list[object], Program]] = deque(maxlen=size)

    def get(self, key: Sequence[object], build: Callable[[], Program]) -> Program:
        """The program that was built for an equal `key`, else `build()`, which is then kept."""
        wanted = list(key)
        for stored, program in list(self._entries):
            if stored == wanted:
                return program
        program = build()
        self._entries.append((wanted, program))
        return program
