"""math-verify's verdict on two answers, for as long as it takes: run in a process of its own.

evals/graders/math_verify.py starts it, sends it pairs over a socket, and ends it when it takes too
long.
"""

import logging
import sys
from multiprocessing.connection import Connection

READY = "ready"  # the first thing it says: the engine is loaded

GOLD_UNREAD = "the gold cannot be read as mathematics"
ANSWER_UNREAD = "the answer cannot be read as mathematics"

MISREAD = ("zoo", "nan")  # what the engine makes of a division by zero, such as 2:00

Verdict = tuple[bool | None, bool | None, str | None]  # same, near, reason


def judge(gold: str, said: str) -> Verdict:
    """Whether `said` equals `gold`, whether it lies within 10 %, and the reason for no answer."""
    from math_verify import parse, verify

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


def serve(socket: int) -> None:
    """Judge the pairs that come over `socket` (a file descriptor) until its other end closes."""
    logging.getLogger("math_verify").setLevel(logging.CRITICAL)  # it logs that we limit the time
    line = Connection(socket)
    judge("1", "1")  # loads what the first verdict needs
    line.send(READY)
    while True:
        try:
            gold, said = line.recv()
        except EOFError:
            return
        line.send(judge(gold, said))


if __name__ == "__main__":
    serve(int(sys.argv[1]))
