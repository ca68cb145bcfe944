"""Comparison of answers in LaTeX and symbols by math-verify, in a process of its own.

Some expressions take forever to parse or to simplify, and no signal interrupts the library then:
the process is killed and the comparison is undecided. It is a plain subprocess, because a child of
`multiprocessing` would run the main module again; under Streamlit, that is a page.
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
from typing import Any, NamedTuple

from evals.graders.math_verify_worker import ANSWER_UNREAD, GOLD_UNREAD, READY, Verdict

__all__ = ["ANSWER_UNREAD", "GOLD_UNREAD", "TOO_LARGE", "TOO_LONG", "TOO_SLOW", "compare"]

SECONDS = 5.0  # timeout of one comparison; most take milliseconds
FIRST_SECONDS = 60.0  # timeout of loading the library, on a busy machine
LONGEST = 1_000  # [characters] of an answer that is parsed

TOO_SLOW = "the comparison took too long"
TOO_LARGE = "the comparison ended its process twice"
TOO_LONG = "the answer is too long to be compared"


class Comparison(NamedTuple):
    """Whether two answers are the same, and near; None and the reason where that is undecided."""

    same: bool | None
    near: bool | None
    reason: str | None = None


@lru_cache(maxsize=1 << 14)  # the samples of a problem often have the same answer
def compare(gold: str, answer: str) -> Comparison:
    """Whether `answer` equals `gold`, and whether it is within 10 % of it.

    Undecided after SECONDS. Answers that are not numbers are near only if they are the same.
    """
    if max(len(gold), len(answer)) > LONGEST:
        return Comparison(None, None, TOO_LONG)
    for _ in range(2):  # the system may have killed the process: retry once in a new one
        try:
            return Comparison(*_WORKER.judge(gold, answer))
        except TimeoutError:
            return Comparison(None, None, TOO_SLOW)
        except (EOFError, ConnectionError):
            continue
    return Comparison(None, None, TOO_LARGE)


class _Worker:
    """One process that judges one pair after another; started at the first pair."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    def judge(self, gold: str, answer: str) -> Verdict:
        """The worker's verdict. TimeoutError after SECONDS, EOFError if the process ended."""
        with self._lock:
            try:
                connection = self._connection or self._start()
                connection.send((gold, answer))
                return _receive(connection, SECONDS)
            except (TimeoutError, EOFError, ConnectionError):
                self._kill()
                raise

    def _start(self) -> Connection:
        parent, child = socket.socketpair()
        with child:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "evals.graders.math_verify_worker", str(child.fileno())],
                cwd=Path(__file__).parents[2],
                pass_fds=[child.fileno()],
                stdin=subprocess.DEVNULL,
            )
        self._connection = Connection(parent.detach())
        if (first := _receive(self._connection, FIRST_SECONDS)) != READY:
            raise RuntimeError(f"the math-verify worker sent {first!r} first, expected {READY!r}")
        return self._connection

    def _kill(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._connection = self._process = None

    def close(self) -> None:
        """End the process; the next comparison starts another."""
        with self._lock:
            self._kill()

    def pid(self) -> int | None:
        return self._process.pid if self._process else None


def _receive(connection: Connection, seconds: float) -> Any:
    if not connection.poll(seconds):
        raise TimeoutError
    return connection.recv()


def _start_over_after_fork() -> None:
    """A forked child must not share the worker of its parent."""
    global _WORKER
    _WORKER = _Worker()


_WORKER = _Worker()
os.register_at_fork(after_in_child=_start_over_after_fork)


@atexit.register
def close() -> None:
    """End the worker process; the next comparison starts another."""
    _WORKER.close()


def pid() -> int | None:
    """The id of the worker process, or None where none runs."""
    return _WORKER.pid()
