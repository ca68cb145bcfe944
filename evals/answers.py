"""Finding the answer in a text: first where the format says it is, then where people put it."""

import re
from dataclasses import dataclass

from data.format import ANSWER_CLOSE, ANSWER_OPEN, REASONING_CLOSE, REASONING_OPEN

# Phrases that announce an answer outside the format, and how the answer ends.
ANNOUNCED = re.compile(
    r"(?:####|final answer(?:\s+is)?\s*:?|\banswer\s+is\b\s*:?|^A:|^answer\s*:)[ \t*]*([^\n]{1,200})",
    re.IGNORECASE | re.MULTILINE,
)
NUMBER = re.compile(r"-?(?:\d[\d,]*(?:\.\d+)?|\.\d+)")
BOX = "\\boxed{"


@dataclass(frozen=True)
class Blocks:
    """The two blocks of a text that is in the format, as they stand between their tags."""

    reasoning: str
    answer: str


def well_formed(text: str) -> Blocks | None:
    """The blocks of `text` if it is one reasoning block, then one answer block, and no more.

    White space may stand around the blocks. No tag may occur twice, and neither block be empty.
    """
    tags = (REASONING_OPEN, REASONING_CLOSE, ANSWER_OPEN, ANSWER_CLOSE)
    if any(text.count(tag) != 1 for tag in tags):
        return None
    body = text.strip()
    if not (body.startswith(REASONING_OPEN) and body.endswith(ANSWER_CLOSE)):
        return None
    reasoning, closed, rest = body.removeprefix(REASONING_OPEN).partition(REASONING_CLOSE)
    between, opened, answer = rest.removesuffix(ANSWER_CLOSE).partition(ANSWER_OPEN)
    if not (closed and opened) or between.strip() or not reasoning.strip() or not answer.strip():
        return None
    return Blocks(reasoning, answer)


def last_answer_block(text: str) -> str | None:
    """What the last closed answer block after the reasoning holds, or None."""
    after = text.rpartition(REASONING_CLOSE)[2]
    close = after.rfind(ANSWER_CLOSE)
    open_ = after.rfind(ANSWER_OPEN, 0, max(close, 0))
    if close < 0 or open_ < 0:
        return None
    return after[open_ + len(ANSWER_OPEN) : close].strip() or None


def last_box(text: str) -> str | None:
    r"""What the last \boxed{...} with balanced braces holds, or None."""
    start = text.rfind(BOX)
    if start < 0:
        return None
    depth = 1
    begin = start + len(BOX)
    for place in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[begin:place].strip() or None
    return None


def last_announced(text: str) -> str | None:
    """What follows the last `####`, `Final answer:`, `The answer is` or `A:`, or None."""
    found = None
    for match in ANNOUNCED.finditer(text):
        found = match.group(1).strip(" \t*") or found
    return found


def last_number(text: str) -> str | None:
    """The last number of the text, with its sign and separators, or None."""
    found = None
    for match in NUMBER.finditer(text):
        found = match
    if found is None:
        return None
    sign_is_minus = found.group().startswith("-") and text[: found.start()][-1:].isalnum()
    return found.group()[1:] if sign_is_minus else found.group()


def anywhere(text: str) -> str | None:
    """The answer of a text in any habit: answer block, box, announcement, last number."""
    for find in (last_answer_block, last_box, last_announced, last_number):
        if (found := find(text)) is not None:
            return found
    return None
