"""What stands after the thought, in any dialect: only there is the answer looked for."""

import re
from functools import cache
from typing import NamedTuple

from data.conversion.dialects import BUNDLED, CHAT_TOKENS
from data.response_format import ANSWER_OPEN

_WORDS = r"(?:[\w.-]{1,20}:)?(?:think|thinking|thoughts?|reason|reasoning|analysis|scratchpad)"


class Thought(NamedTuple):
    """text[start:end] is a thought, with its tags; one that never ends lasts up to the next.

    has_tags: it is opened and closed
    """

    start: int
    end: int
    has_tags: bool


def thoughts(text: str) -> list[Thought]:
    """The thoughts of a text in order, in any dialect. A text may begin within its first."""
    if not _may_have_tags(text):
        return []
    opener, closer = _patterns()
    opened = [match.span() for match in opener.finditer(text)]
    closers = [match.span() for match in closer.finditer(text)]
    spans = []
    if closers and (not opened or closers[0][0] < opened[0][0]):
        spans.append(Thought(0, closers[0][1], False))
    index = 0
    next_starts = [*(start for start, _ in opened), len(text)][1:]
    for (start, inner), following in zip(opened, next_starts, strict=True):
        while index < len(closers) and closers[index][0] < inner:
            index += 1
        closes = index < len(closers) and closers[index][0] < following
        answer = -1 if closes else text.find(ANSWER_OPEN, inner, following)
        end = closers[index][1] if closes else answer if answer >= 0 else following
        spans.append(Thought(start, end, closes or answer >= 0))
    return spans


def after_thought(text: str) -> str | None:
    """The text after the last thought, or around it where nothing follows; all without a thought.

    None: the thought never ends. An answer block ends it, also where its closer is missing.
    """
    if not _may_have_tags(text):
        return text
    opener, closer = _patterns()
    ends = [match.end() for match in closer.finditer(text)]
    start = ends[-1] if ends else 0
    again = opener.search(text, start)
    if again is None:
        rest = text[start:]
        first = None if rest.strip() or not ends else opener.search(text)
        return text[: first.start()] if first else rest
    answer = text.find(ANSWER_OPEN, again.end())
    if answer >= 0:
        return text[answer:]
    before = text[start : again.start()]
    return before if before.strip() else None


def _may_have_tags(text: str) -> bool:
    """Whether there may be a marker of a thought, which is quickly seen; << is a calculation."""
    if text.count("<") != 2 * text.count("<<"):
        return True
    return "\u25c1" in text or "[THINK]" in text or "[/THINK]" in text or "Here is my " in text


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Patterns of what opens and of what closes a thought in some dialect."""
    openers: set[str] = set()
    closers: set[str] = set()
    for dialect in BUNDLED.dialects.values():
        openers |= set(dialect.thought_open)
        closers |= set(dialect.thought_close)
        if dialect.answer_ends_thought:
            closers |= set(dialect.answer_open)
    closers -= openers
    return (
        re.compile(f"(?i:<{_WORDS}(?:\\s[^<>]{{0,100}})?>)|{_any(openers - CHAT_TOKENS)}"),
        re.compile(f"(?i:</\\s?{_WORDS}\\s?>)|{_any(closers - CHAT_TOKENS)}"),
    )


def _any(markers: set[str]) -> str:
    return "|".join(re.escape(marker) for marker in sorted(markers, key=len, reverse=True))
