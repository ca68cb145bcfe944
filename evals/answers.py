"""Finding the answer in a text: first where the format says it is, then where people put it."""

import re
from dataclasses import dataclass

from data.format import ANSWER_CLOSE, ANSWER_OPEN, REASONING_CLOSE, REASONING_OPEN

TAGS = (REASONING_OPEN, REASONING_CLOSE, ANSWER_OPEN, ANSWER_CLOSE)
BOX = "\\boxed{"

# Phrases that announce an answer outside the format, and the rest of their line. Every repetition
# has a bound, so that no text takes more than linear time.
_ANNOUNCED = re.compile(
    r"""
    (?: \#\#\#\#
      | \bfinal[ ]answer[ \t*]{0,9}(?::|is\b:?)
      | \banswer[ \t]{1,9}is\b:?
      | ^[ \t*#>]{0,9}(?:a|answer)[ \t*]{0,9}:
    )
    [ \t*:]{0,9} (?P<said>[^\n]{1,200})
    """,
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
# Where an announced answer ends and its explanation begins.
_EXPLANATION = re.compile(
    r"[.;!?](?=\s|$)|,(?!\d)|\b(?:because|since|which|so|when|for)\b", re.IGNORECASE
)
_NUMBER = re.compile(
    r"""
    -? [$]? (?: \\[dt]?frac\{\d+\}\{\d+\}
              | (?:\d{1,3}(?:,\d{3})+(?!\d)|\d+) (?:\.\d+|[ ]?/[ ]?\d+)? (?:e[-+]?\d+)?
              | \.\d+ )
    """,
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)
_SAYS_A_NUMBER = re.compile(
    r"\d|\b(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Blocks:
    """The two blocks of a text that is in the format, as they stand between their tags."""

    reasoning: str
    answer: str


def well_formed(text: str) -> Blocks | None:
    """The blocks of `text` if it is one reasoning block, then one answer block, and no more.

    White space may stand around the blocks. No tag may occur twice, and neither block be empty.
    """
    if any(text.count(tag) != 1 for tag in TAGS):
        return None
    body = text.strip()
    if not (body.startswith(REASONING_OPEN) and body.endswith(ANSWER_CLOSE)):
        return None
    reasoning, closed, rest = body.removeprefix(REASONING_OPEN).partition(REASONING_CLOSE)
    between, opened, answer = rest.removesuffix(ANSWER_CLOSE).partition(ANSWER_OPEN)
    if not (closed and opened) or between.strip() or not reasoning.strip() or not answer.strip():
        return None
    return Blocks(reasoning, answer)


def of_block(block: str) -> str:
    r"""The answer that an answer block holds: what it boxes, if it does, else all of it."""
    return last_box(block) or block.strip()


def anywhere(text: str) -> str | None:
    """The answer of a text in any habit: answer block, box, announcement, last number."""
    for find in (last_answer_block, last_box, last_announced, last_number):
        if (found := find(text)) is not None:
            return found
    return None


def last_answer_block(text: str) -> str | None:
    """What the last closed answer block after the reasoning holds, or None."""
    after = text.rpartition(REASONING_CLOSE)[2]
    close = after.rfind(ANSWER_CLOSE)
    opened = after.rfind(ANSWER_OPEN, 0, max(close, 0))
    if close < 0 or opened < 0:
        return None
    return of_block(after[opened + len(ANSWER_OPEN) : close]) or None


def last_box(text: str) -> str | None:
    r"""What the last \boxed{...} holds, or None where its brace is never closed."""
    start = text.rfind(BOX)
    if start < 0:
        return None
    begin, depth = start + len(BOX), 1
    for brace in re.compile(r"[{}]").finditer(text, begin):
        depth += 1 if brace.group() == "{" else -1
        if depth == 0:
            return text[begin : brace.start()].strip() or None
    return None


def last_announced(text: str) -> str | None:
    """What follows the last `####`, `Final answer:`, `The answer is` or `A:`, or None.

    "The answer is correct." announces nothing: there must be a number, in digits or in words.
    """
    found = None
    for match in _ANNOUNCED.finditer(text):
        said = _EXPLANATION.split(match["said"], maxsplit=1)[0].strip(" \t*")
        if _SAYS_A_NUMBER.search(said):
            found = said
    return found


def last_number(text: str) -> str | None:
    """The last number of the text, with its sign, separators or fraction bar, or None."""
    found = None
    for match in _NUMBER.finditer(text):
        found = match
    if found is None:
        return None
    follows_a_word = text[max(found.start() - 1, 0) : found.start()].isalnum()
    return found.group().removeprefix("-") if follows_a_word else found.group()
