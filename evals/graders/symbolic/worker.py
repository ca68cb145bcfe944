"""The worker process of math_verify.py: judges pairs of answers.

evals/graders/symbolic/math_verify.py starts it and sends it pairs over a socket.
"""

import logging
import resource
import signal
import sys
from multiprocessing.connection import Connection
from typing import Any

READY = "ready"  # the first message: the library is loaded

MEMORY = 4 * 2**30  # [bytes] of address space; a comparison that needs more is undecided

READ_IN_PART = "only a part of the answer or of the gold can be read as mathematics"
FAILED = "the symbolic grader cannot compute with this answer"
GOLD_UNREAD = "the gold cannot be read as mathematics"
ANSWER_UNREAD = "the answer cannot be read as mathematics"

MISREAD = ("zoo", "nan")  # what SymPy makes of a division by zero, such as 2:00

Verdict = tuple[bool | None, bool | None, str | None]  # same, near, reason


def judge(gold: str, answer: str) -> Verdict:
    """Whether `answer` equals `gold`, whether it is within 10 %, and why that is undecided."""
    from math_verify import parse, verify

    # timeout 0: no time limit of the library's own, which would use a signal
    references = parse(f"${gold}$", parsing_timeout=0)
    answers = parse(f"${answer}$", parsing_timeout=0) or parse(answer, parsing_timeout=0)
    # the library returns as a string what it cannot parse
    if all(isinstance(expression, str) for expression in references):
        return None, None, GOLD_UNREAD
    if all(isinstance(expression, str) for expression in answers):
        return None, None, ANSWER_UNREAD
    if any(str(expression) in MISREAD for expression in references):
        return None, None, GOLD_UNREAD
    same = bool(verify(references, answers, timeout_seconds=None))
    if same and not (_is_read_whole(references, gold) and _is_read_whole(answers, answer)):
        return None, None, READ_IN_PART
    return same, same or _is_near(references[0], answers[0]), None


def _is_read_whole(expressions: list[Any], text: str) -> bool:
    """Whether all of a text was parsed: of `5 \\mid x` the library reads the 5 alone.

    expressions: what the library parsed, and last the text that it parsed, normalized
    """
    from latex2sympy2_extended.latex2sympy2 import _Latex2Sympy
    from math_verify.parser import get_last_eq

    parsed = expressions[-1] if isinstance(expressions[-1], str) else text
    for latex in (parsed, get_last_eq(parsed)):
        parser = _Latex2Sympy(is_real=True).create_parser(latex)
        try:
            parser.math()
        except Exception:  # at a syntax error the library raises no narrower class
            continue
        token = parser.getCurrentToken()
        return token is not None and token.type == -1  # the end of the text
    return False


def _is_near(gold: object, answer: object) -> bool:
    """Whether both are real numbers, and the second is within 10 % of the first."""
    from sympy import Expr

    if not isinstance(gold, Expr) or not isinstance(answer, Expr):
        return False
    if not (gold.is_number and answer.is_number and gold.is_real and answer.is_real):
        return False
    return bool(abs(answer - gold) * 10 <= abs(gold))


def judge_within(gold: str, answer: str, seconds: float) -> Verdict:
    """The verdict of `judge`; the kernel ends this process after `seconds` of processor time.

    Time of the processor, not of the clock, so that a busy machine changes no verdict.
    """
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        return judge(gold, answer)
    except Exception:  # whatever SymPy raises for what it was not made for
        return None, None, FAILED
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def serve(socket: int) -> None:
    """Judge the pairs that arrive on `socket` (a file descriptor) until its other end closes."""
    logging.getLogger("math_verify").setLevel(logging.CRITICAL)  # it warns of the missing timeout
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    if sys.platform == "linux":  # elsewhere the limit cannot be set
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.RLIM_INFINITY))
    connection = Connection(socket)
    judge("1", "1")  # loads what the first verdict needs
    connection.send(READY)
    while True:
        try:
            gold, answer, seconds = connection.recv()
        except EOFError:
            return
        connection.send(judge_within(gold, answer, seconds))


if __name__ == "__main__":
    serve(int(sys.argv[1]))
