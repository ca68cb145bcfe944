"""Ingest and convert the rows that a stage needs. Loads no training package.

What was ingested is used as it is: a source that the store has is not read again, and needs no
network. Only `thinkbench ingest` reads it again.
"""

from pathlib import Path
from typing import Any

from data.conversion.convert_source import convert_source
from data.conversion.dialects import read_dialects
from data.errors import UserError
from data.progress import ProgressReporter
from data.sources import files_in, has_read, has_records, readings
from data.sources.cards import cards
from data.sources.ingest import ingest
from data.store import Store
from pipeline.config import DataConfig


def prepared(
    store: Store, data: DataConfig, progress: ProgressReporter, *, records: bool, problems: bool
) -> dict[str, Any]:
    """Ingest what the store lacks of the sources that `data` names, and convert; counts by source.

    A second call adds nothing.
    records:  the records that SFT trains on; those of a subset are in the store already
    problems: the problems of GRPO, of evaluations and of the check of an export
    """
    table = read_dialects(Path(data.dialects) if data.dialects else None)
    sources = []
    if records and not data.subset:
        sources.append((data.records, data.records_from, "stratos", "records"))
    if problems:
        sources.append((data.problems, data.problems_from, "gsm8k", "problems"))
    counts = {}
    for source, location, row_shape, knob in sources:
        counts[source] = {
            "ingest": _ingest_missing(store, source, location, row_shape, knob),
            "convert": convert_source(
                store, source, frozenset(data.rules), progress(f"convert {source}"), table=table
            ),
        }
    return counts


def _ingest_missing(
    store: Store, source: str, location: str, row_shape: str, knob: str
) -> dict[str, Any] | None:
    """Ingest `source` if the store lacks it; the counts, or None if it is there.

    location: the file or folder that the preset or the command names, or ""
    row_shape: of rows at `location`, if the source has no card
    knob: records or problems, whose location it is
    """
    path = Path(location) if location else None
    has_card = source in cards()
    shape = None if has_card else row_shape
    if not has_records(store, source):
        if not (path or has_card):
            raise UserError(
                f"the store has no records of {source!r}. Ingest them: thinkbench ingest {source}"
                f" --from PATH --shape {row_shape}; or name other {knob}: --set data.{knob}=SOURCE"
            )
        return ingest(store, source, path, shape)
    past = readings(store, source)
    if path and not any(has_read(reading, path) for reading in past):
        files_in(path)  # raises if there is no such file
        raise UserError(
            f"the store has other rows of {source!r} than {path} has now, and rows of two places"
            f" are not mixed. Leave out data.{knob}_from to use what the store has; give the rows"
            f" of {path.name} a source of their own: --set data.{knob}=NAME; or add them to the"
            f" others: thinkbench ingest {source} --from {path}"
        )
    if not past or past[-1].is_done:
        return None
    # interrupted: the store has a part of the rows
    if path or past[-1].location is None:
        return ingest(store, source, path, shape)
    raise UserError(
        f"{source!r} was not ingested to its end, so the store has a part of its rows. Run it"
        f" again: {past[-1].command}"
    )
