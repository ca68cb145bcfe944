r"""The one parser of \boxed{...} and \fbox{...}: balanced braces, in one pass over the text."""

import re
from dataclasses import dataclass

COMMANDS = ("\\boxed", "\\fbox")
BOX_OPENING = re.compile(
    r"\\(?:boxed|fbox)\s{0,8}\{"
)  # spaces or a newline may stand before the brace
# a backslash also consumes the next character, so that \{ and \} are not counted as braces
BRACE = re.compile(rf"{BOX_OPENING.pattern}|\\.|[{{}}]", re.DOTALL)
NOT_COMPARED = re.compile(r"\s+|\\(?:left|right|displaystyle|,|;|!| )|(?<![.$])[.$]+$")


@dataclass(frozen=True)
class Box:
    """text[start:end] is the content of the box, without its braces. opening: of its command."""

    text: str
    start: int
    end: int
    opening: int


def boxes(text: str, start: int = 0, end: int | None = None) -> list[Box]:
    """The closed boxes of text[start:end] that are not empty, in order.

    A box inside another one is part of that one, and not listed itself.
    """
    outermost: list[Box] = []
    for begin, close, opening in sorted(_closed(text, start, len(text) if end is None else end)):
        if (not outermost or begin > outermost[-1].end) and text[begin:close].strip():
            outermost.append(Box(text[begin:close], begin, close, opening))
    return outermost


def last_box(text: str) -> Box | None:
    """The box that opens last, which may stand inside another; None if nothing closes it."""
    opening = last_opening(text)
    if opening is None:
        return None
    for begin, close, at in _closed(text, opening.start(), len(text)):
        if at == opening.start():
            return Box(text[begin:close], begin, close, at)
    return None


def is_left_open(text: str) -> bool:
    """Whether the last box of `text` has no closing brace."""
    return last_opening(text) is not None and last_box(text) is None


def last_opening(text: str) -> re.Match[str] | None:
    """The opening of the box that opens last, closed or not; None where there is none."""
    at = _last_command(text, len(text))
    while at >= 0:
        if opening := BOX_OPENING.match(text, at):
            return opening
        at = _last_command(text, at)
    return None


def _last_command(text: str, end: int) -> int:
    return max(text.rfind(command, 0, end) for command in COMMANDS)


def _closed(text: str, start: int, end: int) -> list[tuple[int, int, int]]:
    """Start and end of the content of each closed box, inner ones too, and where it opens."""
    commands = [at for command in COMMANDS if (at := text.find(command, start, end)) >= 0]
    if not commands:
        return []
    closed = []
    opened: list[re.Match[str] | None] = []  # the openings of boxes; None for a plain brace
    for match in BRACE.finditer(text, min(commands), end):
        brace = match.group()
        if brace.startswith(COMMANDS):
            opened.append(match)
        elif brace == "{":
            opened.append(None)
        elif brace == "}" and opened:
            opening = opened.pop()
            if opening is not None:
                closed.append((opening.end(), match.start(), opening.start()))
    return closed


def comparable(content: str) -> str:
    r"""The content in a form for comparison: no spaces, no \left or \right, one kind of \frac."""
    return NOT_COMPARED.sub("", content).replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac")
