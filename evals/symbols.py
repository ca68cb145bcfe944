"""Answers in LaTeX and symbols, compared by math-verify in a process of its own.

Some expressions take for ever to parse or to simplify, and no signal ends what the engine does
then: the process is ended, and the comparison is undecided.
"""

import atexit
import logging
import multiprocessing
from concurrent.futures import TimeoutError as TookTooLong
from functools import cache, lru_cache
from typing import NamedTuple

from pebble import ProcessExpired, ProcessPool

SECONDS = 5.0  # for one comparison; most take milliseconds
FIRST_SECONDS = 60.0  # for the first, which loads the engine on a busy machine
LONGEST = 1_000  # characters of an answer that is looked into
MISREAD = ("zoo", "nan")  # what the engine makes of a division by zero, such as 2:00

GOLD_UNREAD = "the gold cannot be read as mathematics"
ANSWER_UNREAD = "the answer cannot be read as mathematics"
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
    try:
        return _asked(gold, said)
    except (ProcessExpired, RuntimeError):  # the machine ended the process: once more, in another
        close()
    try:
        return _asked(gold, said)
    except ProcessExpired:
        close()
        return Comparison(None, None, TOO_LARGE)


def _asked(gold: str, said: str) -> Comparison:
    try:
        return Comparison(*_pool().schedule(judge, (gold, said), timeout=SECONDS).result())
    except TookTooLong:
        close()  # the next one must not pay for loading the engine again
        return Comparison(None, None, TOO_SLOW)


@cache
def _pool() -> ProcessPool:
    """One process that has the engine loaded. spawn: a fork would copy the threads of others."""
    pool = ProcessPool(max_workers=1, context=multiprocessing.get_context("spawn"))
    atexit.register(close)
    pool.schedule(judge, ("1", "1"), timeout=FIRST_SECONDS).result()
    return pool


def close() -> None:
    """End the process; the next comparison starts another."""
    if _pool.cache_info().currsize:
        pool = _pool()
        pool.stop()
        pool.join()
        _pool.cache_clear()


def judge(gold: str, said: str) -> tuple[bool | None, bool | None, str | None]:
    """`compared` without a limit: runs in the other process."""
    from math_verify import parse, verify

    logging.getLogger("math_verify").setLevel(logging.CRITICAL)  # it logs that we limit the time
    right = parse(f"${gold}$", parsing_timeout=0)  # 0: no limit of its own, which a signal gives
    found = parse(f"${said}$", parsing_timeout=0) or parse(said, parsing_timeout=0)
    # what it cannot read it gives back as a string
    if all(isinstance(one, str) for one in right):
        return None, None, GOLD_UNREAD
    if all(isinstance(one, str) for one in found):
        return None, None, ANSWER_UNREAD
    if any(str(one) in MISREAD for one in right):
        return None, None, GOLD_UNREAD
    same = bool(verify(right, found, timeout_seconds=None))
    return same, same or _is_near(right[0], found[0]), None


def _is_near(gold: object, said: object) -> bool:
    """Whether both are real numbers, and the second lies within 10 % of the first."""
    from sympy import Expr

    if not isinstance(gold, Expr) or not isinstance(said, Expr):
        return False
    if not (gold.is_number and said.is_number and gold.is_real and said.is_real):
        return False
    return bool(abs(said - gold) * 10 <= abs(gold))
