r"""The one parser of \boxed{...}: balanced braces, in one pass over the text."""

import re
from dataclasses import dataclass

BOXED = "\\boxed"
BOX_OPENING = re.compile(r"\\boxed\s{0,8}\{")  # spaces or a newline may stand before the brace
# a backslash also consumes the next character, so that \{ and \} are not counted as braces
BRACE = re.compile(rf"{BOX_OPENING.pattern}|\\.|[{{}}]", re.DOTALL)
NOT_COMPARED = re.compile(r"\s+|\\(?:left|right|displaystyle|,|;|!| )|(?<![.$])[.$]+$")


@dataclass(frozen=True)
class Box:
    """text[start:end] is the content of the box, without its braces."""

    text: str
    start: int
    end: int


def boxes(text: str, start: int = 0, end: int | None = None) -> list[Box]:
    """The closed boxes of text[start:end] that are not empty, in order.

    A box inside another one is part of that one, and not listed itself.
    """
    outermost: list[Box] = []
    for begin, close in sorted(_closed(text, start, len(text) if end is None else end)):
        if (not outermost or begin > outermost[-1].end) and text[begin:close].strip():
            outermost.append(Box(text[begin:close], begin, close))
    return outermost


def last_box(text: str) -> Box | None:
    """The box that opens last, which may stand inside another; None if nothing closes it."""
    opening = last_opening(text)
    if opening is None:
        return None
    closed = dict(_closed(text, opening.start(), len(text)))
    begin = opening.end()
    return Box(text[begin : closed[begin]], begin, closed[begin]) if begin in closed else None


def is_left_open(text: str) -> bool:
    """Whether the last box of `text` has no closing brace."""
    return last_opening(text) is not None and last_box(text) is None


def last_opening(text: str) -> re.Match[str] | None:
    """The opening of the box that opens last, closed or not; None where there is none."""
    at = text.rfind(BOXED)
    while at >= 0:
        if opening := BOX_OPENING.match(text, at):
            return opening
        at = text.rfind(BOXED, 0, at)
    return None


def _closed(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Start and end of the content of each closed box, inner boxes included."""
    start = text.find(BOXED, start, end)
    if start < 0:
        return []
    spans = []
    opened: list[int | None] = []  # where a box's content starts; None for a plain brace
    for match in BRACE.finditer(text, start, end):
        brace = match.group()
        if brace.startswith(BOXED):
            opened.append(match.end())
        elif brace == "{":
            opened.append(None)
        elif brace == "}" and opened:
            begin = opened.pop()
            if begin is not None:
                spans.append((begin, match.start()))
    return spans


def comparable(content: str) -> str:
    r"""The content in a form for comparison: no spaces, no \left or \right, one kind of \frac."""
    return NOT_COMPARED.sub("", content).replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac")
