"""Where markers stand in a text, and which of them are only quoted there."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from data.conversion.dialects import BEFORE_TAGS, any_marker, leads, nearly_a_marker

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
# straight, double and single curly, angled
QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d", "\u2018": "\u2019", "\u00ab": "\u00bb"}
AFTER_MENTION = frozenset(" .,;:!?)\n")
MANY = 500  # places where a marker may begin
PROSE = "Here is my "  # markers that are prose count at the start of a line only


@dataclass(frozen=True)
class Marker:
    """text[start:end], a marker. quoted: it stands in code or quotes, and is no structure.

    mention: it stands in the middle of a sentence, as a word.
    """

    text: str
    start: int
    end: int
    quoted: bool
    mention: bool


def markers_in(text: str) -> list[Marker]:
    """Every marker, chat token and HTML-escaped marker, in order. Linear in the text's length."""
    matches = _matches(text, leads(), any_marker())
    return _placed(text, [(match.group(), match.start(), match.end()) for match in matches])


def nearly_markers_in(text: str, markers: list[Marker]) -> list[Marker]:
    """What is written almost as a marker and is none of `markers`, in order. Linear likewise."""
    starts = [marker.start for marker in markers]

    def is_one(match: re.Match[str]) -> bool:
        place = bisect_left(starts, match.end()) - 1
        return place >= 0 and markers[place].end > match.start()

    matches = _matches(text, BEFORE_TAGS, _nearly(nearly_a_marker()))
    found = [(match.group(), *match.span()) for match in matches if not is_one(match)]
    return _placed(text, found)


@lru_cache(maxsize=1)
def _nearly(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _placed(text: str, found: list[tuple[str, int, int]]) -> list[Marker]:
    """`found`, each a text with its span, as markers: whether quoted, and whether mentioned."""
    if not found:
        return []
    fences = code_fences(text) if "```" in text or "~~~" in text else []
    starts = [start for start, _ in fences]
    ticks = [match.start() for match in re.finditer("`", text)] if "`" in text else []
    lines = [match.start() for match in re.finditer("\n", text)] if ticks else []
    markers = []
    for word, start, end in found:
        if word.startswith(PROSE) and start and text[start - 1] != "\n":
            continue
        place = bisect_right(starts, start) - 1
        quoted = (place >= 0 and start < fences[place][1]) or _in_quotes(text, start, end)
        quoted = quoted or bool(ticks and _in_backticks(start, lines, ticks))
        markers.append(Marker(word, start, end, quoted, _is_mention(text, start, end)))
    return markers


def _matches(text: str, leads: Iterable[str], pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """Every match in order. The few places where one can begin are looked for first."""
    places: list[int] = []
    for lead in leads:
        at = text.find(lead)
        while at >= 0:
            places.append(at)
            if len(places) > MANY:  # a pattern over all of the text is then the faster way
                yield from pattern.finditer(text)
                return
            at = text.find(lead, at + 1)
    end = 0
    for at in sorted(places):
        if at >= end and (match := pattern.match(text, at)):
            end = match.end()
            yield match


def code_fences(text: str) -> list[tuple[int, int]]:
    """Spans of fenced code. A fence that is never closed hides nothing."""
    spans = []
    opened, mark = 0, ""
    for match in fence_lines(text):
        fence, info = match.group(1), match.group(2).strip()
        if not mark:
            opened, mark = match.start(), fence
        elif fence.startswith(mark) and not info:
            spans.append((opened, match.end()))
            mark = ""
    return spans


def fence_lines(text: str) -> Iterator[re.Match[str]]:
    """The lines that open or close fenced code, in order. Most texts have few or none."""
    ends = {mark: text.find(mark) for mark in ("```", "~~~")}
    while found := [at for at in ends.values() if at >= 0]:
        at = min(found)
        before = text[max(0, at - 3) : at]
        start = at - len(before) + len(before.rstrip(" "))
        after = at + 3
        if (start == 0 or text[start - 1] == "\n") and (match := FENCE.match(text, start)):
            yield match
            after = match.end()
        ends = {m: text.find(m, after) if 0 <= at < after else at for m, at in ends.items()}


def _in_quotes(text: str, start: int, end: int) -> bool:
    before = text[start - 1] if start else ""
    return before in QUOTES and text[end : end + 1] == QUOTES[before]


def _in_backticks(start: int, lines: list[int], ticks: list[int]) -> bool:
    """Whether an odd number of backticks stands before it in its line, and one after it."""
    line = bisect_left(lines, start)
    begin = lines[line - 1] if line else -1
    end = lines[line] if line < len(lines) else None
    before = bisect_left(ticks, start)
    inside = before - bisect_left(ticks, begin)
    return inside % 2 == 1 and before < len(ticks) and (end is None or ticks[before] < end)


def _is_mention(text: str, start: int, end: int) -> bool:
    if start < 2 or text[start - 1] not in " (":
        return False
    word_before = text[start - 2].isalnum() or text[start - 2] in ",;("
    return word_before and text[end : end + 1] in AFTER_MENTION and end < len(text)
