"""Where markers stand in a text, and which of them are only quoted there."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from data.conversion.dialects.table import BRACKET_STARTS, DialectTable

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
# straight, double and single curly, angled
QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d", "\u2018": "\u2019", "\u00ab": "\u00bb"}
AFTER_MENTION = frozenset(" .,;:!?)\n")
MANY = 500  # positions where a marker may start
PROSE = "Here is my "  # a marker that is prose counts at the start of a line only


@dataclass(frozen=True)
class Marker:
    """text[start:end] is a marker.

    quoted: it stands in code or quotes, and structures nothing
    mention: it stands inside a sentence, as a word
    """

    text: str
    start: int
    end: int
    quoted: bool
    mention: bool


def markers_in(text: str, table: DialectTable) -> list[Marker]:
    """Every marker, chat token and HTML-escaped marker, in order. Linear in the text's length."""
    matches = _matches(text, table.marker_starts, table.any_marker)
    return _markers(text, [(match.group(), match.start(), match.end()) for match in matches])


def markers_and_nearly(text: str, table: DialectTable) -> tuple[list[Marker], list[Marker]]:
    """The markers of `text`, and what is only written almost as one, each in order.

    Among the markers are tags of a thought with a namespace or attributes, under the plain tag's
    name.
    """
    markers = markers_in(text, table)
    nearly = nearly_markers_in(text, markers, table)
    variants = {}
    for marker in nearly:
        variant = table.tag_variant.fullmatch(marker.text)
        if variant and (variant[2] or variant[4]):
            variants[marker] = replace(marker, text=f"<{variant[1]}{variant[3]}>")
    if variants:
        nearly = [marker for marker in nearly if marker not in variants]
        markers = sorted([*markers, *variants.values()], key=lambda marker: marker.start)
    return markers, nearly


def nearly_markers_in(text: str, markers: list[Marker], table: DialectTable) -> list[Marker]:
    """What is written almost as a marker and is none of `markers`, in order. Linear likewise."""
    starts = [marker.start for marker in markers]

    def is_marker(match: re.Match[str]) -> bool:
        index = bisect_left(starts, match.end()) - 1
        return index >= 0 and markers[index].end > match.start()

    matches = _matches(text, BRACKET_STARTS, table.nearly_a_marker)
    return _markers(text, [(m.group(), *m.span()) for m in matches if not is_marker(m)])


def _markers(text: str, spans: list[tuple[str, int, int]]) -> list[Marker]:
    """Each of `spans` (a word, its start and end) as a marker: quoted or not, mention or not."""
    if not spans:
        return []
    fences = code_fences(text) if "```" in text or "~~~" in text else []
    starts = [start for start, _ in fences]
    ticks = [match.start() for match in re.finditer("`", text)] if "`" in text else []
    lines = [match.start() for match in re.finditer("\n", text)] if ticks else []
    markers = []
    for word, start, end in spans:
        if word.startswith(PROSE) and start and text[start - 1] != "\n":
            continue
        fence = bisect_right(starts, start) - 1
        quoted = (fence >= 0 and start < fences[fence][1]) or _in_quotes(text, start, end)
        quoted = quoted or bool(ticks and _in_backticks(start, lines, ticks))
        markers.append(Marker(word, start, end, quoted, _is_mention(text, start, end)))
    return markers


def _matches(text: str, starts: Iterable[str], pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """Every match of `pattern`, in order. `starts`: a match can begin only where one stands.

    `str.find` of a start is many times faster than the pattern at each character.
    """
    positions: list[int] = []
    for start in starts:
        position = text.find(start)
        while position >= 0:
            positions.append(position)
            if len(positions) > MANY:  # then the pattern over the whole text is faster
                yield from pattern.finditer(text)
                return
            position = text.find(start, position + 1)
    end = 0
    for position in sorted(positions):
        if position >= end and (match := pattern.match(text, position)):
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
    next_marks = {mark: text.find(mark) for mark in ("```", "~~~")}
    while positions := [position for position in next_marks.values() if position >= 0]:
        at = min(positions)
        before = text[max(0, at - 3) : at]
        start = at - len(before) + len(before.rstrip(" "))
        after = at + 3
        if (start == 0 or text[start - 1] == "\n") and (match := FENCE.match(text, start)):
            yield match
            after = match.end()
        next_marks = {
            mark: text.find(mark, after) if 0 <= position < after else position
            for mark, position in next_marks.items()
        }


def _in_quotes(text: str, start: int, end: int) -> bool:
    before = text[start - 1] if start else ""
    return before in QUOTES and text[end : end + 1] == QUOTES[before]


def _in_backticks(start: int, lines: list[int], ticks: list[int]) -> bool:
    """Whether its line has an odd number of backticks before it, and one or more after it."""
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
