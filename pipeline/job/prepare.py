"""Ingest and convert the rows that a preset names. Loads no training package."""

from pathlib import Path
from typing import Any

from data.conversion.convert_source import convert_source
from data.conversion.dialects import read_dialects
from data.progress import ProgressReporter
from data.sources.cards import cards
from data.sources.ingest import ingest
from data.store import Store
from pipeline.config import DataConfig


def prepared(
    store: Store, data: DataConfig, progress: ProgressReporter, *, records: bool = True
) -> dict[str, Any]:
    """Ingest and convert what `data` names; counts by source. A second call adds nothing.

    records: whether to include the records for SFT, which an evaluation alone does not need
    """
    table = read_dialects(Path(data.dialects) if data.dialects else None)
    sources = [(data.records, data.records_from, "stratos")] if records else []
    sources.append((data.problems, data.problems_from, "gsm8k"))
    counts = {}
    for source, location, row_shape in sources:
        counts[source] = {
            "ingest": _ingest(store, source, location, row_shape),
            "convert": convert_source(
                store, source, frozenset(data.rules), progress(f"convert {source}"), table=table
            ),
        }
    return counts


def _ingest(store: Store, source: str, location: str, row_shape: str) -> Any:
    """Ingest a source that has files or a card; None for one that the store already has."""
    has_card = source in cards()
    if not (location or has_card):
        return None
    path = Path(location) if location else None
    return ingest(store, source, path, None if has_card else row_shape)
