"""Converting what is ingested, or a file, batch by batch; and counting what became of it."""

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from data.conversion import dialects
from data.conversion.convert import Conversion, Example, convert, converter
from data.conversion.prompts import Rewrite
from data.errors import UserError
from data.progress import Progress, no_progress
from data.sources import Rejected, files_in, row_shapes, rows_at_most, rows_of, skipped_in
from data.store import TABLES, Store, add, ask, runs

BATCH = 4_000  # records of one part
NAMED = 20  # lines that are no rows
OF_RECORDS = ("record_id", "source", "shape", "split", "body")
RESULT = ("outcome", "reason", "dialect", "pattern", "defects")
TEXTS = (
    "prompt", "reasoning", "answer", "reasoning_start", "reasoning_end", "answer_start",
    "answer_end", "rewrites",
)  # fmt: skip
CONVERTED = {name: (TABLES["conversions"] | TABLES["examples"])[name] for name in (*RESULT, *TEXTS)}


def convert_source(
    store: Store, source: str, rules: frozenset[str] = frozenset(), progress: Progress | None = None
) -> dict[str, Any]:
    """Convert the records of `source` that this converter has not seen; count all of them.

    The object of `thinkbench convert`. What another version or other rules made stays beside it.
    """
    version = converter(rules)
    every = ask(
        store,
        """
        select record_id, min(row_number) as row_number
        from records
        where source = $source
        group by record_id
        order by row_number, record_id
        """,
        source=source,
    )
    if every.is_empty():
        raise UserError(
            f"the store has no records of {source!r}; ingest them first: thinkbench ingest {source}"
        )
    done = ask(
        store,
        """
        select distinct record_id from conversions
        where source = $source and converter = $version
        """,
        source=source,
        version=version,
    )["record_id"]
    if len(done) < every.height:
        shown = progress or no_progress
        _convert(store, source, version, rules, every, set(done), shown)
    return {"source": source, "converter": version, **counts(store, source, version)}


def _convert(
    store: Store,
    source: str,
    version: str,
    rules: frozenset[str],
    every: pl.DataFrame,
    done: set[str],
    progress: Progress,
) -> None:
    """Convert those of `every` record that are not `done`, a part at a time.

    every: record_id, row_number; in the order of the numbers, as they lie in the store

    Parts are cut from the whole list and named by what they hold: a run that goes on after it was
    broken off, or beside another process, writes the same parts again and adds nothing.
    """
    digest = runs.fingerprint(records=every["record_id"].sort().to_list(), converter=version)
    run = f"convert-{source}-{digest[:12]}"
    config: dict[str, Any] = {"source": source, "converter": version, "rules": sorted(rules)}
    if own := dialects.own_rows():  # a release converts by them again
        config["dialects"] = own
    try:
        runs.begin(store, "convert", run=run, config=config, seed=None, inputs={"records": digest})
    except runs.RunExists:  # another process has just converted these very records
        return
    tally: Counter[str] = Counter()
    with runs.told_of(store, run):
        for start in range(0, every.height, BATCH):
            part = every[start : start + BATCH].filter(~pl.col("record_id").is_in(done))
            if part.height:
                tally.update(_convert_part(store, run, version, rules, part, start))
            progress(min(start + BATCH, every.height), every.height, {})
    runs.end(store, run, "done", dict(tally))


def _convert_part(
    store: Store, run: str, version: str, rules: frozenset[str], part: pl.DataFrame, place: int
) -> Counter[str]:
    """Convert the records of `part` and add what became of them; counts by outcome.

    place: how many records came before
    """
    ids = part["record_id"].to_list()
    records = ask(
        store,
        """
        select record_id, source, shape, split, body
        from records
        where record_id in (select unnest($ids))
            and row_number between $first and $last  -- else all bodies of the store are read
        qualify row_number() over (partition by record_id order by run) = 1
        order by record_id
        """,
        ids=ids,
        first=part["row_number"].min(),
        last=part["row_number"].max(),
    )
    made = [
        _of_shape(shape, records.filter(shape=shape), rules)
        for shape in records["shape"].unique(maintain_order=True)
    ]
    done = pl.concat(made).with_columns(converter=pl.lit(version))
    released = ask(
        store,
        """
        select record_id from rulings
        where ruling = 'released' and record_id in (select unnest($ids))
        """,
        ids=ids,
    )
    let_through = done.filter(outcome="quarantined").join(released, on="record_id", how="semi")
    converted = done.filter(outcome="example").select(*OF_RECORDS, *TEXTS)
    good = examples(pl.concat([converted, candidates(let_through, rules)]), version)
    once = runs.fingerprint(records=ids, converter=version)
    # conversions last: a record counts as converted when all of it is there
    parts = {"examples": good, "problems": problems(good), "conversions": done}
    for table, rows in parts.items():
        columns = [name for name in TABLES[table] if name != "run"]
        add(store, table, rows.select(columns), run=run, once=once, place=place)
    return Counter(done["outcome"])


def _of_shape(shape: str, records: pl.DataFrame, rules: frozenset[str]) -> pl.DataFrame:
    """`records`, all of one shape, beside what became of them."""
    rows = [json.loads(body) for body in records["body"]]
    return pl.concat([records, convert_rows(shape, rows, rules)], how="horizontal")


def convert_rows(
    shape: str, rows: Sequence[dict[str, Any]], rules: frozenset[str] = frozenset()
) -> pl.DataFrame:
    """`convert` of each of `rows`, in their order: the columns CONVERTED.

    Texts, spans and rewrites are null where the row is no example.
    """
    return pl.DataFrame([_columns_of(convert(shape, row, rules)) for row in rows], schema=CONVERTED)


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


def candidates(records: pl.DataFrame, rules: frozenset[str]) -> pl.DataFrame:
    """Examples as the markers of `records` give them, whatever defects there are: without ids.

    A record whose markers give no reasoning or no answer is left out.
    """
    rows = []
    for record in records.select(OF_RECORDS).iter_rows(named=True):
        conversion = convert(record["shape"], json.loads(record["body"]), rules)
        if conversion.candidate:
            rows.append(record | _example_columns(conversion.candidate, conversion.rewrites))
    columns = TABLES["records"] | TABLES["examples"]
    return pl.DataFrame(rows, schema={name: columns[name] for name in (*OF_RECORDS, *TEXTS)})


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
    """read, converted, quarantined, by_dialect, by_defect, patterns, of all its records."""
    one_each = """
        select outcome, dialect, pattern, list_distinct([d.phrase for d in defects]) as phrases
        from conversions
        where source = $source and converter = $version
        qualify row_number() over (partition by record_id order by run) = 1
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


def counted(rows: Iterable[tuple[str, str | None, str | None, list[str]]]) -> dict[str, Any]:
    """Counts over rows of outcome, dialect, pattern and the phrases of defects."""
    outcomes: Counter[str] = Counter()
    by_dialect: Counter[str] = Counter()
    by_defect: Counter[str] = Counter()
    patterns: Counter[str] = Counter()
    for outcome, dialect, pattern, phrases in rows:
        outcomes[outcome] += 1
        by_dialect[dialect or "none"] += 1
        by_defect.update(set(phrases))
        if pattern is not None:
            patterns[pattern] += 1
    return {
        "read": outcomes.total(),
        "converted": outcomes["example"],
        "quarantined": outcomes["quarantined"],
        "by_dialect": dict(by_dialect.most_common()),
        "by_defect": dict(by_defect.most_common()),
        "patterns": dict(patterns.most_common()),
    }


def batched(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """`rows` in lists of `size`, the last of them shorter."""
    rows = iter(rows)
    while batch := list(itertools.islice(rows, size)):
        yield batch


def convert_file(
    path: Path,
    shape: str,
    rules: frozenset[str] = frozenset(),
    progress: Progress | None = None,
    columns: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Convert a file or folder without a store, and count.

    columns: where rows hold what the shape expects (data/sources/column_mapping.py)

    A line that is no row is quarantined like a row: read = converted + quarantined. rejections: the
    first NAMED of them, with what is wrong.
    """
    version = converter(rules)
    rejected: list[Rejected] = []
    shown = progress or no_progress

    def results():
        read, of = 0, sum(map(rows_at_most, files_in(path)))
        every = (rows_of(file, row_shapes.COLUMNS[shape], columns) for file in files_in(path))
        for batch in batched(itertools.chain.from_iterable(every), BATCH):
            rows = [row.values for row in batch if not isinstance(row, Rejected)]
            for bad in (row for row in batch if isinstance(row, Rejected)):
                if len(rejected) < NAMED:
                    rejected.append(bad)
                yield "quarantined", None, None, ["not a row"]
            read += len(batch)
            made = convert_rows(shape, rows, rules)
            phrases = pl.col("defects").list.eval(pl.element().struct.field("phrase"))
            yield from made.select("outcome", "dialect", "pattern", phrases).iter_rows()
            shown(min(read, of), of, {})
        shown(of, of, {})

    counts = {"converter": version, **counted(results())}
    if rejected:
        counts["rejections"] = [
            f"{bad.file}, number {bad.number + 1}: {bad.reason}" for bad in rejected
        ]
    return counts | ({"skipped_files": skipped} if (skipped := skipped_in(path)) else {})
