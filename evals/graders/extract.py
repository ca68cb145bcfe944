"""Extraction of the answer from a text: where the format puts it, else where people put it."""

import re
from typing import NamedTuple

from data.conversion import boxes
from data.numbers import SMALL_NUMBERS
from data.response_format import (
    ANSWER_CLOSE,
    ANSWER_OPEN,
    REASONING_CLOSE,
    REASONING_OPEN,
    TAGS,
)

THINK_OPEN, THINK_CLOSE = "<think>", "</think>"
# Phrases that announce an answer outside the format, and what follows them on their line. Every
# repetition has a bound, so that every text takes linear time.
_ANNOUNCEMENT = re.compile(
    r"""
    (?: \#\#\#\#
      | \bfinal[ ]answer[ \t*]{0,9}(?::|is\b:?)
      | \banswer[ \t]{1,9}is\b:?
      | ^[ \t*#>]{0,9}(?:a|answer)[ \t*]{0,9}:
    )
    (?= [ \t*:]{0,9} (?P<answer>[^\n]{1,200}) )
    """,
    re.IGNORECASE | re.VERBOSE,
)
# Where an announced answer ends and its explanation begins.
_EXPLANATION = re.compile(
    r"[.;!?](?=\s|$)|,(?!\d)|\b(?:because|since|which|so|when|for)\b", re.IGNORECASE
)
_FORMULA = re.compile(r"\$[^$\n]{1,200}\$(?!\d)|\\\([^\n]{1,200}?\\\)")  # $5 and $6 are money
_NUMBER = re.compile(
    r"""
    -? [$]? (?: \\[dt]?frac\{\d+\}\{\d+\}
              | (?:\d{1,3}(?:,\d{3})+(?!\d)|\d+) (?:\.\d+|[ ]?/[ ]?\d+)? (?:e[-+]?\d+)?
              | \.\d+ )
    """,
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)
_MENTIONS_NUMBER = re.compile(rf"\d|\b(?:{'|'.join(SMALL_NUMBERS[:13])})\b", re.IGNORECASE)


class Blocks(NamedTuple):
    """The contents of the two blocks of a text that is in the format, exactly as written."""

    reasoning: str
    answer: str


def well_formed(text: str) -> Blocks | None:
    """The blocks of `text` if it is one reasoning block followed by one answer block, else None.

    Only white space may surround the blocks. No tag may occur twice, no block may be blank. The
    own thought of a reasoning model, `<think>…</think>` at the very beginning, is no part of the
    response: many servers remove it, and the verdict must not depend on which server it was.
    """
    text = _after_own_thought(text)
    starts = [text.find(tag) for tag in TAGS]
    if -1 in starts or sorted(starts) != starts:
        return None
    if any(text.find(tag, start + 1) >= 0 for tag, start in zip(TAGS, starts, strict=True)):
        return None
    opened, closed, answer_opened, answer_closed = starts
    reasoning = text[opened + len(REASONING_OPEN) : closed]
    answer = text[answer_opened + len(ANSWER_OPEN) : answer_closed]
    outside = (
        text[:opened],
        text[closed + len(REASONING_CLOSE) : answer_opened],
        text[answer_closed + len(ANSWER_CLOSE) :],
    )
    if any(piece and not piece.isspace() for piece in outside):
        return None
    if not reasoning.strip() or not answer.strip():
        return None
    return Blocks(reasoning, answer)


def _after_own_thought(text: str) -> str:
    if not text.lstrip().startswith(THINK_OPEN):
        return text
    _, closer, response = text.partition(THINK_CLOSE)
    return response if closer else text


def answer_of_block(block: str) -> str:
    r"""The answer in an answer block: the content of its last \boxed{}, else the whole block."""
    return last_box(block) or block.strip()


def find_answer(text: str) -> str | None:
    """The answer of a text in any style: answer block, box, announcement, or last number."""
    for find in (last_answer_block, last_box, last_announced, last_number):
        if (answer := find(text)) is not None:
            return answer
    return None


def last_answer_block(text: str) -> str | None:
    """The answer in the last closed answer block after the reasoning, or None."""
    after = text.rpartition(REASONING_CLOSE)[2]
    close = after.rfind(ANSWER_CLOSE)
    opened = after.rfind(ANSWER_OPEN, 0, max(close, 0))
    if close < 0 or opened < 0:
        return None
    return answer_of_block(after[opened + len(ANSWER_OPEN) : close]) or None


def last_box(text: str) -> str | None:
    r"""The content of the last \boxed{...}, or None where it is empty or not closed."""
    box = boxes.last_box(text)
    return box.text.strip() or None if box else None


def last_announced(text: str) -> str | None:
    """The answer after the last `####`, `Final answer:`, `The answer is` or `A:`, or None.

    There must be a number, in digits or in words: "The answer is correct." announces nothing.
    """
    for line in reversed(text.split("\n")):
        if ":" not in line and "#" not in line and " is" not in line.lower():
            continue
        for match in reversed(list(_ANNOUNCEMENT.finditer(line))):
            rest = match["answer"].lstrip(" \t*:")
            formula = _FORMULA.match(rest)
            answer = (
                formula[0] if formula else _EXPLANATION.split(rest, maxsplit=1)[0].strip(" \t*")
            )
            if _MENTIONS_NUMBER.search(answer):
                return answer
    return None


def last_number(text: str) -> str | None:
    """The last number of the text, with its sign, separators or fraction bar, or None."""
    for line in reversed(text.split("\n")):
        last = None
        for match in _NUMBER.finditer(line):
            if not _is_inside_word(line, *match.span()):
                last = match
        if last is not None:
            follows_word = line[max(last.start() - 1, 0) : last.start()].isalnum()
            return last.group().removeprefix("-") if follows_word else last.group()
    return None


def _is_inside_word(line: str, start: int, end: int) -> bool:
    """Whether there are letters on both sides, as in H2O."""
    return line[max(start - 1, 0) : start].isalpha() and line[end : end + 1].isalpha()
