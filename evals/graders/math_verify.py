"""Answers in LaTeX and symbols, compared by math-verify in a process of its own.

Some expressions take for ever to parse or to simplify, and no signal ends what the engine does
then: the process is ended, and the comparison is undecided. It is a plain child and none of
multiprocessing's, whose children run the main module again: under Streamlit, that is a page.
"""

import atexit
import os
import socket
import subprocess
import sys
from functools import lru_cache
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from evals.graders.math_verify_worker import ANSWER_UNREAD, GOLD_UNREAD, READY, Verdict

__all__ = ["ANSWER_UNREAD", "GOLD_UNREAD", "TOO_LARGE", "TOO_LONG", "TOO_SLOW", "compared"]

SECONDS = 5.0  # for one comparison; most take milliseconds
FIRST_SECONDS = 60.0  # for loading the engine on a busy machine
LONGEST = 1_000  # characters of an answer that is looked into

TOO_SLOW = "the comparison took too long"
TOO_LARGE = "the comparison ended its process twice"
TOO_LONG = "the answer is too long to be compared"


class Comparison(NamedTuple):
    """Whether two answers are the same, and near: None and the reason where that is undecided."""

    same: bool | None
    near: bool | None
    reason: str | None = None


@lru_cache(maxsize=1 << 14)  # the samples of a problem often say the same
def compared(gold: str, said: str) -> Comparison:
    """Whether the answer `said` equals `gold`, and whether it lies within 10 % of it.

    Undecided after SECONDS. What is no number is near only if it is the same.
    """
    if max(len(gold), len(said)) > LONGEST:
        return Comparison(None, None, TOO_LONG)
    for _ in range(2):  # the machine may end the process: once more, in another
        try:
            return Comparison(*_ENGINE.asked(gold, said))
        except TimeoutError:
            return Comparison(None, None, TOO_SLOW)
        except (EOFError, ConnectionError):
            continue
    return Comparison(None, None, TOO_LARGE)


class _Engine:
    """One process that judges pairs one after the other; started when first asked."""

    def __init__(self) -> None:
        self._one_at_a_time = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._line: Connection | None = None

    def asked(self, gold: str, said: str) -> Verdict:
        """The engine's verdict. TimeoutError after SECONDS, EOFError if the process ended."""
        with self._one_at_a_time:
            try:
                line = self._line or self._start()
                line.send((gold, said))
                return _next(line, SECONDS)
            except (TimeoutError, EOFError, ConnectionError):
                self._end()
                raise

    def _start(self) -> Connection:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "evals.graders.math_verify_worker", str(theirs.fileno())],
                cwd=Path(__file__).parents[2],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        self._line = Connection(ours.detach())
        if (said := _next(self._line, FIRST_SECONDS)) != READY:
            raise RuntimeError(f"the engine began with {said!r}, not with {READY!r}")
        return self._line

    def _end(self) -> None:
        if self._line is not None:
            self._line.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._line = self._process = None

    def close(self) -> None:
        """End the process; the next comparison starts another."""
        with self._one_at_a_time:
            self._end()

    def pid(self) -> int | None:
        return self._process.pid if self._process else None


def _next(line: Connection, seconds: float) -> Verdict:
    if not line.poll(seconds):
        raise TimeoutError
    return line.recv()


def _of_its_own() -> None:
    """A forked child shares no engine with its parent."""
    global _ENGINE
    _ENGINE = _Engine()


_ENGINE = _Engine()
os.register_at_fork(after_in_child=_of_its_own)


@atexit.register
def close() -> None:
    """End the engine's process; the next comparison starts another."""
    _ENGINE.close()


def pid() -> int | None:
    """The number of the engine's process, where one runs."""
    return _ENGINE.pid()
