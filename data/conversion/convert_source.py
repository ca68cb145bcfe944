"""Conversion of the records of a source into the store, in worker processes if there are many."""

import functools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import polars as pl

from data.conversion.convert import Conversion, Example, convert, converter_version
from data.conversion.dialects import BUNDLED, DialectTable
from data.conversion.prompts import Rewrite
from data.errors import UserError
from data.progress import Progress, no_progress
from data.store import TABLES, Store, add, ask, runs
from data.worker_pool import cores, map_in_order

BATCH = 4_000  # records of one part of the store, and of one task of a worker process
# Fewer records take less than a second: starting processes would take longer
FEWEST_FOR_PROCESSES = 3 * BATCH
MOST_WORKERS = 6  # more do not help: one process reads and writes for all of them
RECORD = ("record_id", "source", "shape", "split", "body")
RESULT = ("outcome", "reason", "dialect", "pattern", "defects")
TEXTS = (
    "prompt", "reasoning", "answer", "reasoning_start", "reasoning_end", "answer_start",
    "answer_end", "rewrites",
)  # fmt: skip
CONVERTED = {name: (TABLES["conversions"] | TABLES["examples"])[name] for name in (*RESULT, *TEXTS)}


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


@dataclass(frozen=True)
class Part:
    """Records of one part of the store that is to be written.

    start: how many records of the source come before it
    records: the columns RECORD, in the order of the ids
    """

    start: int
    records: pl.DataFrame


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


def convert_records(part: Part, rules: frozenset[str], table: DialectTable) -> pl.DataFrame:
    """`convert` of each record of `part`, in order: the columns CONVERTED."""
    rows = part.records.select("shape", "body", "split").iter_rows()
    return _frame(
        convert(json.loads(body), shape, table, rules, split) for shape, body, split in rows
    )


def convert_rows(
    rows: Sequence[dict[str, Any]],
    shape: str,
    table: DialectTable = BUNDLED,
    rules: frozenset[str] = frozenset(),
) -> pl.DataFrame:
    """`convert` of each of `rows`, in order: the columns CONVERTED.

    Texts, spans and rewrites are null where the row is no example.
    """
    return _frame(convert(row, shape, table, rules) for row in rows)


def _frame(conversions: Iterable[Conversion]) -> pl.DataFrame:
    return pl.DataFrame([_columns_of(conversion) for conversion in conversions], schema=CONVERTED)


def _columns_of(conversion: Conversion) -> dict[str, Any]:
    example = conversion.example
    return {
        "outcome": conversion.outcome,
        "reason": conversion.reason,
        "dialect": conversion.dialect,
        "pattern": conversion.pattern,
        "defects": [vars(defect) for defect in conversion.defects],
        **(_example_columns(example, conversion.rewrites) if example else {}),
    }


def _example_columns(example: Example, rewrites: Iterable[Rewrite]) -> dict[str, Any]:
    """An example as the table `examples` has it, without its ids."""
    return {
        "prompt": example.prompt,
        "reasoning": example.reasoning.text,
        "answer": example.answer.text,
        "reasoning_start": example.reasoning.start,
        "reasoning_end": example.reasoning.end,
        "answer_start": example.answer.start,
        "answer_end": example.answer.end,
        "rewrites": [vars(rewrite) for rewrite in rewrites],
    }


def candidates(
    records: pl.DataFrame, rules: frozenset[str], table: DialectTable = BUNDLED
) -> pl.DataFrame:
    """Examples as the markers of `records` give them, whatever their defects: RECORD and TEXTS.

    A record whose markers do not delimit a reasoning and an answer is left out.
    """
    rows = []
    for record in records.select(RECORD).iter_rows(named=True):
        conversion = convert(
            json.loads(record["body"]), record["shape"], table, rules, record["split"]
        )
        if conversion.candidate:
            rows.append(record | _example_columns(conversion.candidate, conversion.rewrites))
    columns = TABLES["records"] | TABLES["examples"]
    return pl.DataFrame(rows, schema={name: columns[name] for name in (*RECORD, *TEXTS)})


def examples(candidates: pl.DataFrame, version: str) -> pl.DataFrame:
    """`candidates` with the converter's version and the example_id that follows from it."""
    ids = [
        runs.fingerprint(record=record, converter=version)[:32]
        for record in candidates["record_id"]
    ]
    return candidates.with_columns(
        pl.Series("example_id", ids, dtype=pl.String), converter=pl.lit(version)
    )


def problems(examples: pl.DataFrame) -> pl.DataFrame:
    """The rows of `problems` that `examples` give: those of the shape gsm8k."""
    rows = [_problem(row) for row in examples.filter(shape="gsm8k").iter_rows(named=True)]
    schema = {name: kind for name, kind in TABLES["problems"].items() if name != "run"}
    return pl.DataFrame(rows, schema=schema)


def _problem(row: dict[str, Any]) -> dict[str, Any]:
    steps = str(json.loads(row["body"]).get("steps"))
    identity = runs.fingerprint(question=row["prompt"], gold=row["answer"])[:32]
    return {
        "problem_id": identity,
        **{name: row[name] for name in ("record_id", "source", "split")},
        "question": row["prompt"],
        "gold": row["answer"],
        # a count of steps that is no number of the column's type is left out
        "steps": int(steps) if re.fullmatch("[0-9]{1,9}", steps) else None,
    }


def counts(store: Store, source: str, version: str) -> dict[str, Any]:
    """Counts of all records of `source`: read, converted, quarantined, by_dialect, ..."""
    one_each = """
        select outcome, dialect, pattern, list_distinct([d.phrase for d in defects]) as phrases
        from record_conversions
        where source = $source and converter = $version
    """

    def tally(column: str) -> dict[str, int]:
        query = f"""
            select {column} as what, count(*) as n from ({one_each})
            group by what order by n desc, what
        """
        return dict(ask(store, query, source=source, version=version).drop_nulls().iter_rows())

    outcomes = tally("outcome")
    return {
        "read": sum(outcomes.values()),
        "converted": outcomes.get("example", 0),
        "quarantined": outcomes.get("quarantined", 0),
        "by_dialect": tally("coalesce(dialect, 'none')"),
        "by_defect": tally("unnest(phrases)"),
        "patterns": tally("pattern"),
    }
