"""Dialects: families of thinking and answer markers, read from a table."""

import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("dialects.toml")
PATTERN_OF = "begin_of_thought"  # the dialect whose four markers make a record's pattern


@dataclass(frozen=True)
class Dialect:
    """The markers of one family; without answer markers, what follows the thought is the answer."""

    name: str
    open: str
    close: str
    answer_open: str | None = None
    answer_close: str | None = None
    close_only: bool = False

    @property
    def markers(self) -> tuple[str, ...]:
        four = (self.open, self.close, self.answer_open, self.answer_close)
        return tuple(marker for marker in four if marker)


@dataclass(frozen=True)
class Marker:
    """One marker as it stands in a text [characters]."""

    text: str
    start: int
    end: int


@cache
def dialects() -> dict[str, Dialect]:
    """All dialects by name, in the order of the table."""
    rows = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {name: Dialect(name, **row) for name, row in rows.items()}


@cache
def _any_marker() -> re.Pattern[str]:
    texts = {marker for dialect in dialects().values() for marker in dialect.markers}
    # literals only, longest first: one pass, linear whatever the text
    return re.compile("|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True)))


def markers_in(text: str) -> list[Marker]:
    """Every marker of every dialect in `text` outside fenced code, in order."""
    fences = fenced(text)
    found = []
    place = 0
    for match in _any_marker().finditer(text):
        while place < len(fences) and fences[place][1] <= match.start():
            place += 1
        inside = place < len(fences) and fences[place][0] <= match.start()
        if not inside:
            found.append(Marker(match.group(), match.start(), match.end()))
    return found


def fenced(text: str) -> list[tuple[int, int]]:
    """Spans of closed ``` fences; one that is never closed hides nothing."""
    places = [match.start() for match in re.finditer(r"^[ \t]*```", text, re.MULTILINE)]
    return [(places[i], places[i + 1] + 3) for i in range(0, len(places) - 1, 2)]


def dialect_of(markers: list[Marker]) -> Dialect | None:
    """The dialect most of whose markers are there; of two equals the earlier in the table."""
    seen = Counter(marker.text for marker in markers)
    best, best_share = None, (0, 0.0)
    for dialect in dialects().values():
        present = sum(marker in seen for marker in dialect.markers)
        # the thought's markers decide; answer markers alone are no sign of thinking
        thought = (dialect.open in seen) + (dialect.close in seen)
        share = (present, present / len(dialect.markers))
        if thought + (present >= 2) and share > best_share:
            best, best_share = dialect, share
    return best


def pattern_of(text: str) -> str:
    """Which of open thought, close thought, open solution, close solution occur, as 1111."""
    return "".join(str(int(marker in text)) for marker in dialects()[PATTERN_OF].markers)
