"""Repairs: a named rule puts a missing marker where it belongs.

The text stays as it is: the marker that is put in has no width, and its position is recorded.
"""

from dataclasses import dataclass

from data.conversion.dialects import Dialect, Marker

RULES = {
    "open-thought-at-start": "a thought that is only closed begins where the text does",
    "close-thought-at-answer": "a thought that is only opened ends where the answer opens",
    "close-answer-at-end": "an answer that is only opened ends where the text does",
}


@dataclass(frozen=True)
class Repair:
    """Rule `rule` put `marker` in front of text[at:]."""

    rule: str
    at: int
    marker: str


def repairs(
    length: int,
    roles: tuple[list[Marker], ...],
    dialect: Dialect,
    rules: frozenset[str],
    opener_may_be_missing: bool,
) -> list[Repair]:
    """The markers that `rules` put into a text of `length` characters.

    roles: the markers of the text that open and close its thought, then its answer
    opener_may_be_missing: whether the text may begin inside the thought
    """
    opens, closes, answer_opens, answer_closes = roles
    repaired = []
    if "open-thought-at-start" in rules and closes and not opens and not opener_may_be_missing:
        repaired.append(Repair("open-thought-at-start", 0, dialect.thought_open[0]))
    if "close-thought-at-answer" in rules and opens and answer_opens and not closes:
        after = [marker for marker in answer_opens if marker.start >= opens[0].end]
        if after and dialect.thought_close:
            at = after[0].start
            repaired.append(Repair("close-thought-at-answer", at, dialect.thought_close[0]))
    unclosed = answer_opens and not answer_closes and not dialect.answer_may_stay_open
    if "close-answer-at-end" in rules and unclosed and dialect.answer_close:
        repaired.append(Repair("close-answer-at-end", length, dialect.answer_close[0]))
    return repaired
