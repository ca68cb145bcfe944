r"""What \boxed{...} holds, with balanced braces, in one pass over the text."""

import re
from dataclasses import dataclass

# a backslash takes the character after it along, so that \{ and \} do not count
BRACE = re.compile(r"\\boxed\s{0,8}\{|\\.|[{}]", re.DOTALL)
SAME = re.compile(r"\s+|\\(?:left|right|displaystyle|,|;|!| )|[.$]+$")


@dataclass(frozen=True)
class Box:
    """text[start:end] is what the box holds, without its braces."""

    text: str
    start: int
    end: int


def boxes(text: str, start: int = 0, end: int | None = None) -> list[Box]:
    """The boxes of text[start:end] that are closed and hold something, in order.

    One inside another is part of that one.
    """
    found: list[Box] = []
    for begin, close in sorted(_closed(text, start, len(text) if end is None else end)):
        if (not found or begin > found[-1].end) and text[begin:close].strip():
            found.append(Box(text[begin:close], begin, close))
    return found


def _closed(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Where each box's content starts and ends, inner boxes too."""
    spans = []
    start = text.find("\\boxed", start, end)
    if start < 0:
        return []
    opened: list[int | None] = []  # where a box's content starts; None for a plain brace
    for match in BRACE.finditer(text, start, end):
        brace = match.group()
        if brace.startswith("\\boxed"):
            opened.append(match.end())
        elif brace == "{":
            opened.append(None)
        elif brace == "}" and opened:
            begin = opened.pop()
            if begin is not None:
                spans.append((begin, match.start()))
    return spans


def is_left_open(text: str) -> bool:
    """Whether the last box of `text` has no closing brace."""
    at = text.rfind("\\boxed{")
    return at >= 0 and not any(begin > at for begin, _ in _closed(text, at, len(text)))


def same_form(content: str) -> str:
    r"""What two boxes are compared by: without spaces, \left, \right, with one kind of fraction."""
    return SAME.sub("", content).replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac")
