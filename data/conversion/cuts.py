"""Cuts: where the blocks of a whole text stand, found by looking for the few markers it needs.

A text is whole where a thought opens it and is closed, and an answer block, or for some dialects
the rest, is all that follows. Whether other markers stand in the blocks is asked by
data/conversion/plain.py.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from data.conversion.dialects import Dialect, dialects, every_marker, own_version, thought_markers
from data.conversion.markers import QUOTES, code_fences
from data.conversion.text_defects import cut_off

SOLID = re.compile(r"\S")
MAY_FAIL = re.compile(r"\w|\{|\[o|<[!h]", re.IGNORECASE)  # begins what a server says
NOT_BARE = frozenset({*QUOTES, " ", "("})  # what stands before a marker that may be none


@dataclass(frozen=True)
class Plan:
    """What to look for in a text of one dialect; no answer block where the rest is the answer."""

    name: str
    thought: tuple[str, str]
    answer: tuple[str, str] | None
    rest_is_answer: bool


# dialect, pattern, reasoning and answer, and where both start and end: without whitespace
Cut = tuple[str, str, str, str, int, int, int, int]


def plans() -> list[Plan]:
    """The dialects whose texts can be cut, in the order of the table."""
    return _plans(own_version())


@lru_cache(maxsize=4)
def _plans(own: str) -> list[Plan]:
    """own: which dialects of a person's own are in use"""
    found = []
    for dialect in dialects().values():
        opens, closes, *blocks = dialect.four
        if len(opens) != 1 or len(closes) != 1 or dialect.answer_ends_thought or dialect.glue:
            continue
        thought = (opens[0], closes[0])
        answer = (blocks[0][0], blocks[1][0]) if all(len(words) == 1 for words in blocks) else None
        mine = {*thought, *(answer or ())}
        if all(map(_is_its_own, mine)) and _is_whole(dialect, thought, mine):
            found.append(Plan(dialect.name, thought, answer, dialect.rest_is_answer))
    return found


def _is_whole(dialect: Dialect, thought: tuple[str, str], mine: set[str]) -> bool:
    """Whether its thought's markers speak for it alone, and all of `mine` are plain words."""
    speaks = all(thought_markers().get(marker) == dialect for marker in thought)
    plain = all(marker == marker.strip() for marker in mine) and not MAY_FAIL.match(thought[0])
    distinct = len({*thought}) == 2 and (len(mine) in (2, 4))
    return speaks and plain and distinct


def _is_its_own(marker: str) -> bool:
    """Whether no other marker can hold, lie in or overlap this one."""
    return not any(
        marker in other or other in marker or _overlap(marker, other) or _overlap(other, marker)
        for other in every_marker() - {marker, ""}
    )


def _overlap(first: str, second: str) -> bool:
    """Whether the end of the first begins the second."""
    return any(second.startswith(first[at:]) for at in range(1, len(first)))


def cut(text: str, plans: list[Plan]) -> Cut | None:
    """The blocks of a text that is whole by one of `plans`, or None: it needs a closer look."""
    first = SOLID.search(text)
    if first is None:
        return None
    at = first.start()
    for plan in plans:
        if text.startswith(plan.thought[0], at):
            return _cut(text, at, plan)
    return None


def _cut(text: str, at: int, plan: Plan) -> Cut | None:
    opener, closer = plan.thought
    begin = at + len(opener)
    end = text.find(closer, begin)
    after = end + len(closer)
    if end < 0:
        return None
    places = [at, end]
    pattern, start, stop = "1100", after, len(text)
    block = text.find(plan.answer[0], after) if plan.answer else -1
    if plan.answer and block >= 0:
        start = block + len(plan.answer[0])
        stop = text.find(plan.answer[1], start)
        if stop < 0 or SOLID.search(text, after, block):
            return None
        if SOLID.search(text, stop + len(plan.answer[1])):
            return None
        places += [block, stop]
        pattern = "1111"
    elif not plan.rest_is_answer:
        return None
    reasoning, answer = text[begin:end].strip(), text[start:stop].strip()
    if not reasoning or not answer or not _are_bare(text, places):
        return None
    if pattern == "1100" and cut_off(text):
        return None
    thought_at, answer_at = _indent(text, begin), _indent(text, start)
    return (
        plan.name, pattern, reasoning, answer,
        thought_at, thought_at + len(reasoning), answer_at, answer_at + len(answer),
    )  # fmt: skip


def _indent(text: str, at: int) -> int:
    """Where the first character from `at` on stands that is no whitespace."""
    found = SOLID.search(text, at)
    return found.start() if found else len(text)


def _are_bare(text: str, places: list[int]) -> bool:
    """Whether the markers at `places`, but for the first, are neither quoted nor mentioned."""
    for place in places[1:]:
        before = text[place - 1]
        if before != "\n" and (before in NOT_BARE or "`" in text):
            return False
    if "`" not in text and "~" not in text:  # one character is found many times faster than three
        return True
    fences = code_fences(text)
    return not any(start <= place < end for start, end in fences for place in places)
