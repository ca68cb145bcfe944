"""Detectors: each looks at a text or its markers and returns the defects that it finds."""

import re
from collections.abc import Sequence

from data.conversion.blocks import Span
from data.conversion.boxes import is_left_open
from data.conversion.defects import Defect
from data.conversion.dialects import CHAT_TOKENS, NEW_TAGS, Dialect, DialectTable, Marker
from data.duplicates import loop_in

SHORT = 200  # longest answer that still counts as short, in one line [characters]

# Latin and Greek are not listed: mathematics uses them in every language
SCRIPTS = {
    "han": re.compile("[\u3400-\u4dbf\u4e00-\u9fff]+"),
    "kana": re.compile("[\u3041-\u30ff]+"),
    "hangul": re.compile("[\u1100-\u11ff\uac00-\ud7af]+"),
    "cyrillic": re.compile("[\u0400-\u04ff]+"),
    "arabic": re.compile("[\u0600-\u06ff]+"),
    "hebrew": re.compile("[\u0590-\u05ff]+"),
    "thai": re.compile("[\u0e00-\u0e7f]+"),
    "devanagari": re.compile("[\u0900-\u097f]+"),
}
# First bytes, in UTF-8, of every letter of these scripts and of some other characters: a text
# without these bytes has no letter of these scripts
LEAD_BYTES = bytes([*range(0xD0, 0xD4), *range(0xD6, 0xDC), 0xE0, 0xE1, *range(0xE3, 0xEE)])
# A complete text does not end with a sign or a word that needs something after it
UNFINISHED = re.compile(
    r"(?:[,(\[{=+/<&^]|\\(?:frac|sqrt|times|cdot|left)|[\w)] -"
    r"|(?:^|\s)(?:the|an|and|or|of|to|is|are|with|that|because|if|then|so|we|for|from|by))\Z",
    re.IGNORECASE,
)
TAIL = 4000  # how much of the end of a text is searched [characters]
FENCE = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)


def repetition(text: str, field: str) -> list[Defect]:
    """The first repetition loop of `text`."""
    span = loop_in(text)
    return [Defect("repetition loop", field, *span)] if span else []


def mixed_scripts(text: str, prompt: str) -> list[Defect]:
    """Where a script begins that the prompt does not use, in a text that is mostly in another."""
    if text.isascii():
        return []
    encoded = text.encode("utf-8", "surrogatepass")
    if len(encoded.translate(None, LEAD_BYTES)) == len(encoded):
        return []
    defects = []
    for script in SCRIPTS.values():
        first = script.search(text)
        if not first or script.search(prompt):
            continue
        letters = sum(len(match.group()) for match in script.finditer(text))
        if letters * 2 < len(text):
            defects.append(Defect("mixed scripts", "completion", *first.span()))
    return defects


def cut_off(text: str) -> list[Defect]:
    """Whether `text`, which no marker closes, ends in the middle of something."""
    end = len(text.rstrip())
    start = max(0, end - TAIL)
    tail = text[start:end]
    odd_fence = end < TAIL and len(FENCE.findall(tail)) % 2 == 1
    if UNFINISHED.search(tail[-40:]) or is_left_open(tail) or odd_fence:
        return [Defect("text cut off", "completion", max(0, end - 40), end)]
    return []


def not_short(answer: str, at: int) -> list[Defect]:
    """Whether `answer`, which starts at `at`, is too long for a short answer."""
    if len(answer) <= SHORT and "\n" not in answer:
        return []
    return [Defect("answer not short", "completion", at, at + len(answer))]


def stray_markers(
    markers: list[Marker], dialect: Dialect | None, blocks: list[Span], table: DialectTable
) -> list[Defect]:
    """Markers inside the blocks, where none should be, and markers of another dialect.

    blocks: the spans of the reasoning and of the answer, as far as they are found
    """
    own = {*dialect.markers, *dialect.inner, *dialect.glue} if dialect else set()
    defects = []
    for marker in markers:
        in_block = any(span.start <= marker.start < span.end for span in blocks)
        if in_block:
            phrases = _inside_a_block(marker, dialect, own, table)
        else:
            phrases = _outside_the_blocks(marker, dialect, own, table)
        defects += [_at(phrase, marker) for phrase in phrases]
    return defects


def _inside_a_block(
    marker: Marker, dialect: Dialect | None, own: set[str], table: DialectTable
) -> list[str]:
    """own: all markers of the dialect"""
    if marker.text in NEW_TAGS:  # quoted or not: the graders do not look at quotes
        return ["markers of the new format inside"]
    if marker.quoted or (marker.mention and marker.text in table.openers):
        return ["marker quoted in the text"]
    if marker.text in CHAT_TOKENS:
        return ["leaked chat-template tokens"]
    if dialect and marker.text in dialect.inner:
        return ["notes of the old format"]
    # an answer block of another dialect where this one has none of its own
    of_another = marker.text not in own and marker.text in table.answer_words
    mixed = dialect is not None and dialect.rest_is_answer and of_another
    return ["residue of old markers", "mixed dialects"] if mixed else ["residue of old markers"]


def _outside_the_blocks(
    marker: Marker, dialect: Dialect | None, own: set[str], table: DialectTable
) -> list[str]:
    if marker.quoted:
        return []
    if marker.text in CHAT_TOKENS:
        allowed = dialect is not None and marker.text in (*dialect.glue, *dialect.markers)
        return [] if allowed else ["leaked chat-template tokens"]
    of_another = marker.text not in own and marker.text in table.delimiters
    return ["mixed dialects"] if dialect is not None and of_another else []


def misspelt(nearly: Sequence[Marker], reported: Sequence[Defect]) -> list[Defect]:
    """Near-misses of markers that are not in `reported` yet."""
    starts = {defect.start for defect in reported if defect.phrase == "marker misspelt"}
    return [
        _at("marker misspelt", marker)
        for marker in nearly
        if not marker.quoted and not marker.mention and marker.start not in starts
    ]


def _at(phrase: str, marker: Marker) -> Defect:
    return Defect(phrase, "completion", marker.start, marker.end)
