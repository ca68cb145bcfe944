"""Extraction of the final answer from a text: what stands last and is marked as final counts."""

import re
from typing import NamedTuple

from data.conversion import Box, is_left_open, last_box, last_opening
from data.conversion.boxes import boxes
from data.numbers import same_value
from data.numbers.beside import BESIDE, InContext, in_context
from data.numbers.prose import is_denied_number, last_quantity
from data.response_format import (
    ANSWER_CLOSE,
    ANSWER_OPEN,
    INSTRUCTION,
    REASONING_CLOSE,
    REASONING_OPEN,
    TAGS,
)
from evals.graders.announcements import announcements, last_announcement
from evals.graders.corrections import (
    LATER,
    NO_ANSWER_KNOWN,
    TAKEN_BACK,
    knows_no_answer,
    later_result,
    other_answer,
)
from evals.graders.run_on import before_next_question, first_turn, without_heart
from evals.graders.thought import after_thought
from evals.graders.unmarked import Answer, unmarked

THINK_OPEN, THINK_CLOSE = "<think>", "</think>"
WORDS_OF_PROSE = 2  # blanks in an answer block that may take its number back
BEFORE_BOX = " $*_([\\"  # what may stand between a box and the words before it
RUNS_ON = "another question follows, and which number is the answer is not clear"

# What may stand between boxes that together are one answer.
_BETWEEN_BOXES = re.compile(
    r"(?:[\s,;.$&]|\\[()\[\]]|\\q?quad|\\[,;! ]|\band\b|\bor\b|\\text\{[^{}]{0,40}\}"
    r"|\\?%|\^\s?\{?\\circ\}?|(?<=[,dr])\s?\$?-){0,20}"
)
_CHANGES_IN_LIST = re.compile(r"[-%^](?![^{}]*\})")


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
    opened = text.find(REASONING_OPEN)
    if opened < 0:
        return None
    if text[:opened].strip():
        text = _after_own_thought(text)
    starts = [text.find(tag) for tag in TAGS]
    if -1 in starts or sorted(starts) != starts or [text.rfind(tag) for tag in TAGS] != starts:
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


def answer_of_block(block: str, gold_is_number: bool = True) -> Answer:
    """The answer in an answer block: what it marks as final, else the whole block."""
    if block.replace(",", "").isdigit():  # most are
        return Answer(block)
    block = without_heart(block)
    marked = _last_marked(block, gold_is_number)
    if marked is not None:
        return marked
    answer = block.strip()
    last = last_quantity(answer) if answer.count(" ") >= WORDS_OF_PROSE else None
    if last is not None and last.is_retracted:
        return Answer(answer, TAKEN_BACK, answer)
    return _unless_denied(Answer(answer), answer, gold_is_number)


def find_answer(text: str, gold_is_number: bool = True) -> Answer:
    """The answer of a text in any style: of all that is marked as final, what stands last.

    Marks are answer blocks, boxes and announcements. Without any, the last quantity of the text is
    its answer. What stands in the thought, or after another question, is no answer.
    """
    text = without_heart(first_turn(text))
    before, echo, _ = text.partition(INSTRUCTION)
    is_echo = bool(echo) and not before.strip()
    text = text.rpartition(INSTRUCTION)[2] if is_echo else before if echo else text
    response = before_next_question(
        text, lambda piece: _last_marked(piece, gold_is_number) is not None, gold_is_number
    )
    answer = _after_its_thought(response.text, gold_is_number, is_echo)
    if not response.rest:
        return answer
    other = _after_its_thought(response.rest, gold_is_number, is_echo)
    if answer.text is None or other.text is None:
        return other if answer.text is None else answer
    if same_value(answer.text, other.text):
        return answer
    return Answer(answer.text, RUNS_ON, other.text)


def _after_its_thought(text: str, gold_is_number: bool, is_echo: bool) -> Answer:
    """The answer after the thought; the numbers of a question that is repeated are none."""
    after = after_thought(text)
    if after is None:
        return Answer(None)
    marked = _last_marked(after, gold_is_number)
    if marked is None and is_echo:
        return Answer(None)
    if marked is not None:
        return marked
    return _unless_denied(unmarked(after, gold_is_number), after, gold_is_number)


def _unless_denied(answer: Answer, text: str, gold_is_number: bool) -> Answer:
    """An answer that nothing marks, which is unknown where the text denies it or knows none."""
    if answer.text is None or answer.reason is not None:
        return answer
    if knows_no_answer(text):
        return Answer(answer.text, NO_ANSWER_KNOWN, answer.text)
    if _is_denied_behind(text, answer.text, gold_is_number):
        return Answer(answer.text, TAKEN_BACK, answer.text)
    return answer


def _is_denied_behind(text: str, answer: str, gold_is_number: bool) -> bool:
    """Whether `text` announces and denies this very answer."""
    return any(
        announcement.is_denied and same_value(announcement.text, answer)
        for announcement in announcements(text, gold_is_number)
    )


def _last_marked(text: str, gold_is_number: bool) -> Answer | None:
    """The last answer that is marked as final. A last box that is empty or open is no answer."""
    _, mark, final = text.rpartition("####")
    if mark and final.replace(",", "").strip().isdigit():  # GSM8K's form, with nothing behind it
        return Answer(final.strip())
    answer, end = None, 0
    if (block := _last_block(text)) is not None:
        content, end = block
        answer = answer_of_block(content, gold_is_number)
        answer = answer._replace(text=answer.text or None)
    opening = last_opening(text)
    if opening is not None and opening.start() >= end:
        joined = joined_boxes(text, end)
        answer, end = joined or (Answer(None), opening.end())
        before = f"{text[: opening.start()].rstrip(BEFORE_BOX)} "
        if answer.text is not None and answer.reason is None and is_denied_number(before):
            answer = Answer(answer.text, TAKEN_BACK, answer.text)
    if announced := last_announcement(text[end:], gold_is_number):
        answer, end = Answer(announced[0]), end + announced[1]
    if answer is not None and answer.text is not None and answer.reason is None:
        other = other_answer(text, end, answer.text)
        if other is None and _is_denied_behind(text[end:], answer.text, gold_is_number):
            other = answer.text
        if other is not None:
            return Answer(answer.text, TAKEN_BACK, other)
        if answer.alone is None and (later := later_result(text, end, answer.text)) is not None:
            return answer._replace(alone=later, doubt=LATER)
    return answer


def _last_block(text: str) -> tuple[str, int] | None:
    """The content of the last closed answer block, and where the block ends; or None."""
    close = text.rfind(ANSWER_CLOSE)
    opened = text.rfind(ANSWER_OPEN, 0, max(close, 0))
    if close < 0 or opened < 0:
        return None
    return text[opened + len(ANSWER_OPEN) : close], close + len(ANSWER_CLOSE)


def joined_boxes(text: str, start: int = 0) -> tuple[Answer, int] | None:
    """The last box, with the boxes before it that a comma or `and` joins to it, and its end.

    None if the last box is empty or not closed: then the text was truncated inside its answer.
    """
    all_boxes = [] if is_left_open(text) else boxes(text, start)
    opening = last_opening(text)
    if not all_boxes or opening is None or opening.start() > all_boxes[-1].end:
        return None
    end = all_boxes[-1].end + 1
    inner = last_box(text)
    if inner is not None and inner.start > all_boxes[-1].start:  # a box within a box
        return _in_both_contexts(text, all_boxes[-1]), end
    return _in_their_context(text, _joined(text, all_boxes)), end


def _joined(text: str, all_boxes: list[Box]) -> list[Box]:
    """The last box, and those before it of which only commas or `and` part it."""
    joined = [all_boxes[-1]]
    for box in reversed(all_boxes[:-1]):
        if not _BETWEEN_BOXES.fullmatch(text, box.end + 1, joined[0].opening):
            break
        joined.insert(0, box)
    return joined


def _in_both_contexts(text: str, outer: Box) -> Answer:
    """The answer of the boxes within a box."""
    inner = _in_their_context(outer.text, _joined(outer.text, boxes(outer.text)))
    whole = in_context(text, outer.opening, outer.end + 1, inner.text or "")
    alone = inner.alone or inner.text
    if not (inner.reason or inner.alone or whole.is_changed):
        return Answer(alone)
    if inner.reason or whole.text is None:
        return Answer(alone, BESIDE)
    return Answer(whole.text, alone=alone)


def _in_their_context(text: str, joined: list[Box]) -> Answer:
    """The answer that boxes are together, each with what stands beside it and changes it."""
    contents = [box.text.strip() for box in joined]
    starts = [0, *(box.end + 1 for box in joined[:-1])]
    ends = [*(box.opening for box in joined[1:]), len(text)]
    parts = [
        _in_context(text[start:end], box, start)
        if box in (joined[0], joined[-1]) or _CHANGES_IN_LIST.search(text, start, end)
        else InContext(box.text.strip(), False)
        for box, start, end in zip(joined, starts, ends, strict=True)
    ]
    alone = ", ".join(contents)
    if not any(part.is_changed for part in parts):
        return Answer(alone)
    texts = [part.text for part in parts if part.text is not None]
    if len(texts) < len(parts):
        return Answer(alone, BESIDE)
    return Answer(", ".join(texts), alone=alone)


def _in_context(piece: str, box: Box, start: int) -> InContext:
    """The box in the piece of the text that begins at `start`."""
    return in_context(piece, box.opening - start, box.end + 1 - start, box.text.strip())
