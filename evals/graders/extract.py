"""Finding the answer in a text: first where the format says it is, then where people put it."""

import re
from typing import NamedTuple

from data.response_format import ANSWER_CLOSE, ANSWER_OPEN, REASONING_CLOSE, REASONING_OPEN

TAGS = (REASONING_OPEN, REASONING_CLOSE, ANSWER_OPEN, ANSWER_CLOSE)
BOX = "\\boxed{"

# Phrases that announce an answer outside the format, in a line, and what follows them there. Every
# repetition has a bound, so that no text takes more than linear time.
_ANNOUNCED = re.compile(
    r"""
    (?: \#\#\#\#
      | \bfinal[ ]answer[ \t*]{0,9}(?::|is\b:?)
      | \banswer[ \t]{1,9}is\b:?
      | ^[ \t*#>]{0,9}(?:a|answer)[ \t*]{0,9}:
    )
    (?= [ \t*:]{0,9} (?P<said>[^\n]{1,200}) )
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
_SAYS_A_NUMBER = re.compile(
    r"\d|\b(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b",
    re.IGNORECASE,
)


class Blocks(NamedTuple):
    """The two blocks of a text that is in the format, as they stand between their tags."""

    reasoning: str
    answer: str


def well_formed(text: str) -> Blocks | None:
    """The blocks of `text` if it is one reasoning block, then one answer block, and no more.

    White space may stand around the blocks. No tag may occur twice, and neither block be empty.
    """
    places = [text.find(tag) for tag in TAGS]
    if -1 in places or sorted(places) != places:
        return None
    if any(text.find(tag, at + 1) >= 0 for tag, at in zip(TAGS, places, strict=True)):
        return None
    opened, closed, answer_opened, answer_closed = places
    reasoning = text[opened + len(REASONING_OPEN) : closed]
    answer = text[answer_opened + len(ANSWER_OPEN) : answer_closed]
    around = (
        text[:opened],
        text[closed + len(REASONING_CLOSE) : answer_opened],
        text[answer_closed + len(ANSWER_CLOSE) :],
    )
    if any(piece and not piece.isspace() for piece in around):
        return None
    if not reasoning.strip() or not answer.strip():
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
    for line in reversed(text.split("\n")):
        if ":" not in line and "#" not in line and " is" not in line.lower():
            continue
        for match in reversed(list(_ANNOUNCED.finditer(line))):
            rest = match["said"].lstrip(" \t*:")
            formula = _FORMULA.match(rest)
            said = formula[0] if formula else _EXPLANATION.split(rest, maxsplit=1)[0].strip(" \t*")
            if _SAYS_A_NUMBER.search(said):
                return said
    return None


def last_number(text: str) -> str | None:
    """The last number of the text, with its sign, separators or fraction bar, or None."""
    for line in reversed(text.split("\n")):
        found = None
        for match in _NUMBER.finditer(line):
            if not _in_a_word(line, *match.span()):
                found = match
        if found is not None:
            follows_a_word = line[max(found.start() - 1, 0) : found.start()].isalnum()
            return found.group().removeprefix("-") if follows_a_word else found.group()
    return None


def _in_a_word(line: str, start: int, end: int) -> bool:
    """Whether letters stand on both sides, as in H2O."""
    return line[max(start - 1, 0) : start].isalpha() and line[end : end + 1].isalpha()
