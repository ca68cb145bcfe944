"""Comparison of answers in LaTeX and symbols by math-verify, in a process of its own.

Some expressions take forever to parse or to simplify, and no signal handler interrupts the library
then: the kernel ends the process, and the comparison is undecided. It is a plain subprocess,
because a child of `multiprocessing` would run the main module again; under Streamlit, that is a
page.
"""

import atexit
import os
import signal
import socket
import subprocess
import sys
from functools import lru_cache
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from evals.graders.symbolic.worker import (
    ANSWER_UNREAD,
    GOLD_UNREAD,
    READ_IN_PART,
    READY,
    Verdict,
)

__all__ = [
    "ANSWER_UNREAD", "GOLD_UNREAD", "READ_IN_PART", "TOO_LARGE", "TOO_LONG", "TOO_SLOW",
    "compare_symbols",
]  # fmt: skip

SECONDS = 5.0  # of processor time for one comparison; most take milliseconds
CLOCK_SECONDS = 60.0  # timeout of one comparison by the clock, on a busy machine
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


class _Busy(Exception):
    """The machine was too busy to compare within CLOCK_SECONDS."""


def compare_symbols(gold: str, answer: str) -> Comparison:
    """Whether `answer` equals `gold`, and whether it is within 10 % of it.

    Undecided after SECONDS. Answers that are not numbers are near only if they are the same.
    """
    try:
        return _compare(gold, answer)
    except _Busy:  # is not cached: on another day there is a verdict
        return Comparison(None, None, TOO_SLOW)


@lru_cache(maxsize=1 << 14)  # the samples of a problem often have the same answer
def _compare(gold: str, answer: str) -> Comparison:
    if max(len(gold), len(answer)) > LONGEST:
        return Comparison(None, None, TOO_LONG)
    for _ in range(2):  # the system may have killed the process: retry once in a new one
        try:
            return Comparison(*_WORKER.judge(gold, answer))
        except _OutOfTime:
            return Comparison(None, None, TOO_SLOW)
        except TimeoutError as error:
            raise _Busy from error
        except (EOFError, ConnectionError):
            continue
    return Comparison(None, None, TOO_LARGE)


class _OutOfTime(Exception):
    """The kernel ended the worker after SECONDS of processor time."""


class _Worker:
    """One process that judges one pair after another; started at the first pair."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    def judge(self, gold: str, answer: str) -> Verdict:
        """The worker's verdict; _OutOfTime, TimeoutError by the clock, EOFError if it ended."""
        with self._lock:
            try:
                connection = self._connection or self._start()
                connection.send((gold, answer, SECONDS))
                return _receive(connection, CLOCK_SECONDS)
            except (TimeoutError, EOFError, ConnectionError) as error:
                ended_by = self._kill()
                if ended_by == -signal.SIGPROF:
                    raise _OutOfTime from error
                raise

    def _start(self) -> Connection:
        parent, child = socket.socketpair()
        with child:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "evals.graders.symbolic.worker", str(child.fileno())],
                cwd=Path(__file__).parents[3],
                pass_fds=[child.fileno()],
                stdin=subprocess.DEVNULL,
            )
        self._connection = Connection(parent.detach())
        if (first := _receive(self._connection, FIRST_SECONDS)) != READY:
            raise RuntimeError(f"the math-verify worker sent {first!r} first, expected {READY!r}")
        return self._connection

    def _kill(self) -> int | None:
        """End the process. Returns its exit status, negative for the signal that ended it."""
        status = None
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            status = self._process.wait()
        self._connection = self._process = None
        return status

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
