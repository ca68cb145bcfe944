"""Repairs of structure: a marker that is missing, put where a named rule says it belongs.

Nothing is written into the text: the marker is empty, and where it would stand is recorded.
"""

from dataclasses import dataclass

from data.conversion.dialects import Dialect
from data.conversion.markers import Marker

RULES = {
    "open-thought-at-start": "a thought that is only closed begins where the text does",
    "close-thought-at-answer": "a thought that is only opened ends where the answer opens",
    "close-answer-at-end": "an answer that is only opened ends where the text does",
}


@dataclass(frozen=True)
class Repair:
    """Which rule put which marker before text[at:]."""

    rule: str
    at: int
    marker: str


def repairs(
    length: int,
    four: tuple[list[Marker], ...],
    dialect: Dialect,
    rules: frozenset[str],
    opened: bool,
) -> list[Repair]:
    """What `rules` would put into a text of `length` characters with these markers.

    opened: whether the text may begin inside the thought, so that no opener is missing
    """
    opens, closes, answer_opens, answer_closes = four
    found = []
    if "open-thought-at-start" in rules and closes and not opens and not opened:
        found.append(Repair("open-thought-at-start", 0, dialect.thought_open[0]))
    if "close-thought-at-answer" in rules and opens and answer_opens and not closes:
        after = [marker for marker in answer_opens if marker.start >= opens[0].end]
        if after and dialect.thought_close:
            place = after[0].start
            found.append(Repair("close-thought-at-answer", place, dialect.thought_close[0]))
    unclosed = answer_opens and not answer_closes and not dialect.answer_may_stay_open
    if "close-answer-at-end" in rules and unclosed and dialect.answer_close:
        found.append(Repair("close-answer-at-end", length, dialect.answer_close[0]))
    return found
