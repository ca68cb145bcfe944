"""Rows before any model: what a preset names is ingested and converted. Needs no trainer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from data.conversion import dialects
from data.conversion.convert_source import convert_source
from data.sources.cards import cards
from data.sources.ingest import ingest
from data.store import Store
from pipeline.config import DataConfig

# name of a piece of work -> a function that is told (step, of, numbers to show)
Progress = Callable[[str], Callable[[int, int, dict[str, float]], None]]


def prepared(
    store: Store, data: DataConfig, progress: Progress, *, records: bool = True
) -> dict[str, Any]:
    """Ingest and convert what `data` names; counts by source. Doing it twice adds nothing.

    records: whether also what SFT learns from, which an evaluation alone does not need
    """
    dialects.use(Path(data.dialects) if data.dialects else None)
    sources = [(data.records, data.records_from, "stratos")] if records else []
    sources.append((data.problems, data.problems_from, "gsm8k"))
    counts = {}
    for source, place, shape in sources:
        read = None
        if place or source in cards():  # any other was ingested before, under a name of its own
            path = Path(place) if place else None
            read = ingest(store, source, path, None if source in cards() else shape)
        converted = convert_source(
            store, source, frozenset(data.rules), progress(f"convert {source}")
        )
        counts[source] = {"ingest": read, "convert": converted}
    return counts
