"""Answers that differ: within the answer block, and between its boxes and the thought's."""

import re
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from data.conversion.blocks import Span
from data.conversion.boxes import Box, boxes
from data.conversion.defects import Defect
from data.numbers import same_value
from data.numbers.beside import in_context

DIFFER, MAY_DIFFER = "two answers that differ", "two answers that may differ"
LONGEST = 200  # of a box that is compared by its value [characters]

STATED = re.compile(
    r"(?:(?P<final>\bfinal answer)|\bthe answer)(?: is)?[\s:*$=]{0,6}"
    r"(?P<number>-?[0-9][0-9,]{0,30}(?:\.[0-9]{1,30})?)(?![0-9/^%\\]|[.,][0-9])",
    re.IGNORECASE,
)
# before a box that is one part of several: (a), 1., Part 2:, x =
LABEL = re.compile(
    r"(?:^|[\s(*$])(?P<label>\(?(?:[a-h]|[ivx]{1,4}|[0-9]{1,2})[).:]|(?:part|question|problem|case)\s+\(?\w{1,4}"
    r"|[A-Za-z](?:_\{?\w\}?)?\s*=)[^\n]{0,200}\Z",
    re.IGNORECASE,
)
# between two boxes that are two parts of one answer
JOINED = re.compile(r"(?:[\s$.,;:*&{}()\[\]]|\\\)|\\\(|\\text|\\quad|\\q|\\,|and){1,60}")
BEFORE = 240  # how much before a box is looked at [characters]


def differing(text: str, reasoning: Span, block: Span, boxed: list[Box]) -> list[Defect]:
    """Whether the answers that the block states differ, or its boxes from the thought's last one.

    Boxes that are parts of one answer do not differ. Undecided: a warning.
    """
    stated = list(STATED.finditer(text, block.start, block.end))
    if len({Decimal(match["number"].replace(",", "")) for match in stated}) > 1:
        last = stated[-1]
        if last["final"]:  # else these may be answers to several questions
            return [Defect(DIFFER, "completion", *last.span())]
    if not boxed:
        return []
    in_thought = boxes(text, reasoning.start, reasoning.end)
    phrase = _of_boxes(
        with_neighbours(text, reasoning, in_thought),
        with_neighbours(text, block, boxed),
        are_parts(text, block, boxed),
    )
    return [Defect(phrase, "completion", boxed[-1].start, boxed[-1].end)] if phrase else []


class Boxed(NamedTuple):
    """A box: what it holds alone, and together with its neighbours.

    is_whole: whether these do not change its value
    """

    alone: str
    together: str
    is_whole: bool = True


def with_neighbours(text: str, span: Span, boxed: list[Box]) -> list[Boxed]:
    """The boxes of a span, the last one with what stands beside it."""
    contents = [Boxed(box.text, box.text) for box in boxed]
    if not boxed or len(boxed[-1].text) > LONGEST:
        return contents
    last = boxed[-1]
    start = boxed[-2].end + 1 if len(boxed) > 1 else span.start
    piece = text[start : span.end]
    opening, end = last.opening - start, last.end + 1 - start
    context = in_context(piece, opening, end, last.text, with_modulus=False)
    together = context.text or last.text
    is_whole = not context.is_changed or (
        context.text is not None and "mod" not in together and _same(last.text, together) is True
    )
    return [*contents[:-1], Boxed(last.text, together, is_whole)]


def _of_boxes(in_thought: list[Boxed], boxed: list[Boxed], parts: bool) -> str | None:
    """The defect of the boxes of thought and answer; None if they agree."""
    if parts:
        if not in_thought or any(_equal(in_thought[-1], box) for box in boxed):
            return None
        return MAY_DIFFER
    equal = [_equal(box, boxed[-1]) for box in in_thought[-1:] + boxed[:-1]]
    if all(equal) or _joins(boxed[-1], in_thought):
        return None
    return DIFFER if False in equal else MAY_DIFFER


def are_parts(text: str, block: Span, boxed: list[Box]) -> bool:
    """Whether several boxes are parts of one answer: each has a label, or `and` joins them."""
    if len(boxed) < 2 or all(_same(a.text, b.text) for a, b in pairwise(boxed)):
        return False
    ends = [block.start, *(box.end + 1 for box in boxed[:-1])]
    starts = [box.opening for box in boxed]
    before = [text[max(end, at - BEFORE) : at] for end, at in zip(ends, starts, strict=True)]
    labels = [LABEL.search(piece) for piece in before]
    if all(labels):
        return len({label["label"].lower() for label in labels if label}) == len(labels)
    return all(JOINED.fullmatch(piece) for piece in before[1:])


def _joins(answer: Boxed, in_thought: list[Boxed]) -> bool:
    """Whether the answer's box lists what several boxes of the thought hold: 3, 5."""
    parts = [part.strip() for part in re.split(r"[,;]|\\text\{ ?and ?\}|\band\b", answer.alone)]
    if len(parts) < 2 or len(in_thought) < len(parts) or len(answer.alone) > LONGEST:
        return False
    last = in_thought[-len(parts) :]
    return all(_same(box.alone, part) for box, part in zip(last, parts, strict=True))


def _equal(first: Boxed, second: Boxed) -> bool | None:
    """Whether two boxes are equal; undecided where only what they hold alone is."""
    alone = _same(first.alone, second.alone)
    changed = [box.alone != box.together for box in (first, second)]
    if not any(changed):
        return alone
    together = _same(first.together, second.together)
    return together if together or all(changed) or alone == together else None


def _same(first: str, second: str) -> bool | None:
    if first == second:
        return True
    if max(len(first), len(second)) > LONGEST:
        return None
    return same_value(first, second)
