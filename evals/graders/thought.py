"""What stands after the thought, in any dialect: only there is the answer looked for."""

import re
from functools import cache

from data.conversion.dialects import BUNDLED, CHAT_TOKENS
from data.response_format import ANSWER_OPEN

_WORDS = r"(?:[\w.-]{1,20}:)?(?:think|thinking|thoughts?|reason|reasoning|analysis|scratchpad)"


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
