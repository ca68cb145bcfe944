"""Strays: markers where none should be, of another dialect, or written almost as a marker is."""

from collections.abc import Sequence

from data.conversion.blocks import Span
from data.conversion.defects import Defect
from data.conversion.dialects import NEW_TAGS, Dialect, chat_tokens, dialects
from data.conversion.markers import Marker


def strays(markers: list[Marker], dialect: Dialect | None, inside: list[Span]) -> list[Defect]:
    """What markers do inside the blocks, where none should be, and those of another dialect.

    inside: the reasoning and the answer, as far as they were found
    """
    inner = dialect.inner if dialect else ()
    own = {*dialect.markers, *dialect.inner, *dialect.glue} if dialect else set()
    openers = {m for d in dialects().values() for m in d.thought_open + d.answer_open}
    closers = {m for d in dialects().values() for m in d.thought_close + d.answer_close}
    foreign = {m for d in dialects().values() for m in d.answer_open + d.answer_close}
    found = []
    for marker in markers:
        held = any(span.start <= marker.start < span.end for span in inside)
        if held and marker.text in NEW_TAGS:  # quoted or not: the graders do not read quotes
            found.append(_at("markers of the new format inside", marker))
        elif marker.quoted or (held and marker.mention and marker.text in openers):
            found += [_at("marker quoted in the text", marker)] if held else []
        elif marker.text in chat_tokens():
            allowed = dialect is not None and marker.text in (*dialect.glue, *dialect.markers)
            found += [] if allowed and not held else [_at("leaked chat-template tokens", marker)]
        elif held and marker.text in inner:
            found.append(_at("notes of the old format", marker))
        elif held:
            found.append(_at("residue of old markers", marker))
            # an answer block of another dialect where this one has none of its own
            if dialect and dialect.rest_is_answer and marker.text in foreign - own:
                found.append(_at("mixed dialects", marker))
        elif dialect and marker.text in openers | closers and marker.text not in own:
            found.append(_at("mixed dialects", marker))
    return found


def misspelt(nearly: Sequence[Marker], reported: Sequence[Defect]) -> list[Defect]:
    """What is written almost as a marker, but for what is `reported` already."""
    known = {defect.start for defect in reported if defect.phrase == "marker misspelt"}
    return [
        _at("marker misspelt", marker)
        for marker in nearly
        if not marker.quoted and not marker.mention and marker.start not in known
    ]


def _at(phrase: str, marker: Marker) -> Defect:
    return Defect(phrase, "completion", marker.start, marker.end)
