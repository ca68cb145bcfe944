"""Conversion of the records of a source into the store, in worker processes if there are many."""

import functools
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import polars as pl

from data.conversion.convert import converter_version
from data.conversion.dialects import BUNDLED, DialectTable
from data.conversion.rows import (
    RECORD,
    TEXTS,
    Part,
    candidates,
    convert_records,
    counts,
    examples,
    problems,
)
from data.errors import UserError
from data.progress import Progress, no_progress
from data.store import TABLES, Store, add, ask, runs
from data.worker_pool import cores, map_in_order

BATCH = 4_000  # records of one part of the store, and of one task of a worker process
# Fewer records take less than a second: starting processes would take longer
FEWEST_FOR_PROCESSES = 3 * BATCH
MOST_WORKERS = 6  # more do not help: one process reads and writes for all of them


@dataclass(frozen=True)
class Converter:
    """The settings of one conversion of many records.

    workers: processes that convert; None: one a core if there are enough records; 1: this process
    """

    rules: frozenset[str] = frozenset()
    table: DialectTable = BUNDLED
    workers: int | None = None

    @property
    def version(self) -> str:
        return converter_version(self.rules, self.table)

    @property
    def config(self) -> dict[str, Any]:
        """What the run stores: enough to convert a record in the same way later."""
        config: dict[str, Any] = {"converter": self.version, "rules": sorted(self.rules)}
        return config | ({"dialects": own} if (own := self.table.own_rows) else {})

    def workers_for(self, records: int) -> int:
        if self.workers is not None:
            return self.workers
        return 1 if records < FEWEST_FOR_PROCESSES else min(cores(), MOST_WORKERS)


def convert_source(
    store: Store,
    source: str,
    rules: frozenset[str] = frozenset(),
    progress: Progress | None = None,
    *,
    table: DialectTable = BUNDLED,
    workers: int | None = None,
    make_newest: bool = False,
) -> dict[str, Any]:
    """Convert the records of `source` that this converter has not converted; count all of them.

    The object of `thinkbench convert`. Results of other versions and rules stay in the store.
    make_newest: it is the newest conversion of the source afterwards, also if all was converted
    """
    converter = Converter(rules, table, workers)
    records = _records_of(store, source, converter.version)
    if records.is_empty():
        raise UserError(
            f"the store has no records of {source!r}; ingest them first: thinkbench ingest {source}"
        )
    if not records["is_converted"].all():
        _convert(store, source, converter, records, progress or no_progress)
    elif make_newest:
        _make_newest(store, source, converter.version)
    return {
        "source": source,
        "converter": converter.version,
        **counts(store, source, converter.version),
    }


def _make_newest(store: Store, source: str, version: str) -> None:
    """Record that a conversion of all records was asked for again, after one by other rules."""
    history = ask(
        store,
        """
        select converter, run, started_at from conversion_runs where source = $source
        order by started_at nulls first
        """,
        source=source,
    ).drop_nulls()
    if history.is_empty() or history["converter"][-1] == version:
        return
    for run in history.filter(converter=version)["run"].tail(1):
        runs.renew(store, run, after=history["started_at"][-1])


def _records_of(store: Store, source: str, version: str) -> pl.DataFrame:
    """record_id, row_number, is_converted: in the order of the numbers, as they lie in the store.

    is_converted: whether the converter `version` has converted the record
    """
    return ask(
        store,
        """
        with converted as (
            select record_id from record_conversions
            where source = $source and converter = $version
        )
        select record_id, row_number, record_id in (from converted) as is_converted
        from source_records
        where source = $source
        order by row_number, record_id
        """,
        source=source,
        version=version,
    )


def _convert(
    store: Store, source: str, converter: Converter, records: pl.DataFrame, progress: Progress
) -> None:
    """Convert those of `records` that are not converted, one part of the store at a time.

    Parts are cut from the list of all records, and their contents give them their names: a run
    that resumes, or runs beside another process, writes the same parts again and adds nothing.
    """
    version = converter.version
    digest = runs.fingerprint(records=records["record_id"].sort().to_list(), converter=version)
    run = f"convert-{source}-{digest[:12]}"
    config = {"source": source, **converter.config}
    try:
        runs.begin(store, "convert", run=run, config=config, seed=None, inputs={"records": digest})
    except runs.RunExists:  # another process has just converted these very records
        return
    tally: Counter[str] = Counter()
    work = functools.partial(convert_records, rules=converter.rules, table=converter.table)
    parts = _unconverted_parts(store, records)
    workers = converter.workers_for(records.filter(~pl.col("is_converted")).height)
    with runs.failures_recorded(store, run), closing(map_in_order(work, parts, workers)) as results:
        for part, converted in results:
            tally.update(_add_part(store, run, converter, part, converted))
            progress(min(part.start + BATCH, records.height), records.height, {})
    runs.end(store, run, "done", dict(tally))


def _unconverted_parts(store: Store, records: pl.DataFrame) -> Iterator[Part]:
    for start in range(0, records.height, BATCH):
        batch = records[start : start + BATCH].filter(~pl.col("is_converted"))
        if batch.height:
            yield Part(start, _with_bodies(store, batch))


def _with_bodies(store: Store, records: pl.DataFrame) -> pl.DataFrame:
    """The columns RECORD of `records`, in the order of the ids."""
    return ask(
        store,
        """
        select record_id, source, shape, split, body
        from records_by_row
        semi join (select unnest($ids) as record_id, unnest($numbers) as row_number)
            using (record_id, row_number)
        where row_number between $first and $last  -- else all bodies of the store are read
        order by record_id
        """,
        ids=records["record_id"].to_list(),
        numbers=records["row_number"].to_list(),
        first=records["row_number"].min(),
        last=records["row_number"].max(),
    )


def _add_part(
    store: Store, run: str, converter: Converter, part: Part, converted: pl.DataFrame
) -> Counter[str]:
    """Add the results `converted` of `part` to the store; counts by outcome."""
    version = converter.version
    conversions = pl.concat([part.records, converted], how="horizontal").with_columns(
        converter=pl.lit(version)
    )
    ids = part.records["record_id"].to_list()
    released = ask(
        store,
        """
        select record_id from rulings
        where ruling = 'released' and record_id in (select unnest($ids))
        """,
        ids=ids,
    )
    quarantined = conversions.filter(outcome="quarantined")
    let_through = candidates(
        quarantined.join(released, on="record_id", how="semi"), converter.rules, converter.table
    )
    good = conversions.filter(outcome="example").select(*RECORD, *TEXTS)
    added = examples(pl.concat([good, let_through]), version)
    once = runs.fingerprint(records=ids, converter=version)
    # conversions last: a record counts as converted when all its rows are in the store
    rows_by_table = {"examples": added, "problems": problems(added), "conversions": conversions}
    for name, rows in rows_by_table.items():
        columns = [column for column in TABLES[name] if column != "run"]
        add(store, name, rows.select(columns), run=run, once=once, position=part.start)
    return Counter(conversions["outcome"])
