"""Converting what is ingested, or a file, batch by batch; and counting what became of it."""

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from data import runs, shapes
from data.convert import Conversion, Example, convert, converter
from data.read_files import BadFile, Rejected, files_in, rows_of, skipped_in
from data.schema import TABLES
from data.store import Store, add, ask

BATCH = 2_000  # records of one part
Progress = Callable[[int, int, dict[str, float]], None]


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
        select record_id, max(split) as split, min(row_number) as row_number
        from records
        where source = $source
        group by record_id
        order by split desc, row_number, record_id
        """,
        source=source,
    )["record_id"].to_list()
    if not every:
        raise BadFile(
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
    if len(done) < len(every):
        shown = progress or (lambda *shown: None)
        _convert(store, source, version, rules, every, set(done), shown)
    return {"source": source, "converter": version, **counts(store, source, version)}


def _convert(
    store: Store,
    source: str,
    version: str,
    rules: frozenset[str],
    every: list[str],
    done: set[str],
    progress: Progress,
) -> None:
    """Convert those of `every` record that are not `done`, a part at a time.

    Parts are cut from the whole list and named by what they hold: a run that goes on after it was
    broken off, or beside another process, writes the same parts again and adds nothing.
    """
    digest = runs.fingerprint(records=sorted(every), converter=version)
    run = f"convert-{source}-{digest[:12]}"
    config = {"source": source, "converter": version, "rules": sorted(rules)}
    try:
        runs.begin(store, "convert", run=run, config=config, seed=None, inputs={"records": digest})
    except runs.RunExists:  # another process has just converted these very records
        return
    tally: Counter[str] = Counter()
    with runs.told_of(store, run):
        for start in range(0, len(every), BATCH):
            part = [id for id in every[start : start + BATCH] if id not in done]
            if part:
                tally.update(_convert_part(store, run, version, rules, part))
            progress(min(start + BATCH, len(every)), len(every), {})
    runs.end(store, run, "done", dict(tally))


def _convert_part(
    store: Store, run: str, version: str, rules: frozenset[str], ids: list[str]
) -> Counter[str]:
    """Convert the records of `ids` and add what became of them; counts by outcome."""
    records = ask(
        store,
        """
        select record_id, source, shape, split, body
        from records
        where record_id in (select unnest($ids))
        qualify row_number() over (partition by record_id order by run) = 1
        order by record_id
        """,
        ids=ids,
    ).to_dicts()
    rows = [json.loads(record["body"]) for record in records]
    made = [convert(r["shape"], row, rules) for r, row in zip(records, rows, strict=True)]
    done = list(zip(records, rows, made, strict=True))
    examples = [example_row(r, c, c.example, version) for r, _, c in done if c.example]
    problems = [_problem(r, row, c) for r, row, c in done if c.example and r["shape"] == "gsm8k"]
    once = runs.fingerprint(records=ids, converter=version)
    # conversions last: a record counts as converted when all of it is there
    for table, part in (
        ("examples", examples),
        ("problems", problems),
        ("conversions", [_conversion(r, c, version) for r, _, c in done]),
    ):
        schema = {name: kind for name, kind in TABLES[table].items() if name != "run"}
        add(store, table, pl.DataFrame(part, schema=schema), run=run, once=once)
    return Counter(c.outcome for c in made)


def _conversion(record: dict[str, Any], made: Conversion, version: str) -> dict[str, Any]:
    return {
        "record_id": record["record_id"],
        "source": record["source"],
        "converter": version,
        "outcome": made.outcome,
        "reason": made.reason,
        "dialect": made.dialect,
        "pattern": made.pattern,
        "defects": [
            {
                "phrase": defect.phrase,
                "severity": defect.severity,
                "field": defect.field,
                "start": defect.start,
                "end": defect.end,
            }
            for defect in made.defects
        ],
    }


def example_row(
    record: dict[str, Any], made: Conversion, example: Example, version: str
) -> dict[str, Any]:
    """A row of the table `examples`, without its run."""
    return {
        "example_id": runs.fingerprint(record=record["record_id"], converter=version)[:32],
        "record_id": record["record_id"],
        "source": record["source"],
        "converter": version,
        "prompt": example.prompt,
        "reasoning": example.reasoning.text,
        "answer": example.answer.text,
        "reasoning_start": example.reasoning.start,
        "reasoning_end": example.reasoning.end,
        "answer_start": example.answer.start,
        "answer_end": example.answer.end,
        "rewrites": [asdict(rewrite) for rewrite in made.rewrites],
    }


def _problem(record: dict[str, Any], row: dict[str, Any], made: Conversion) -> dict[str, Any]:
    example = made.example
    assert example is not None
    steps = row.get("steps")
    return {
        "problem_id": runs.fingerprint(question=example.prompt, gold=example.answer.text)[:32],
        "record_id": record["record_id"],
        "source": record["source"],
        "split": record["split"],
        "question": example.prompt,
        "gold": example.answer.text,
        "steps": int(steps) if steps is not None and str(steps).isdigit() else None,
    }


def counts(store: Store, source: str, version: str) -> dict[str, Any]:
    """read, converted, quarantined, by_dialect, by_defect, patterns, of all its records."""
    found = ask(
        store,
        """
        select outcome, dialect, pattern, list_transform(defects, lambda d: d.phrase) as phrases
        from conversions
        where source = $source and converter = $version
        qualify row_number() over (partition by record_id order by record_id) = 1
        """,
        source=source,
        version=version,
    )
    return counted(found.iter_rows())


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


def convert_file(
    path: Path, shape: str, rules: frozenset[str] = frozenset(), progress: Progress | None = None
) -> dict[str, Any]:
    """Convert a file or folder without a store, and count; lines that are no rows are rejected."""
    version = converter(rules)
    rejected = 0

    def results():
        nonlocal rejected
        every = (rows_of(file, shapes.COLUMNS[shape]) for file in files_in(path))
        for row in itertools.chain.from_iterable(every):
            if isinstance(row, Rejected):
                rejected += 1
                continue
            made = convert(shape, row.values, rules)
            yield made.outcome, made.dialect, made.pattern, [d.phrase for d in made.defects]

    found = counted(results())
    counts = {"converter": version, **found, "rejected": rejected}
    counts["read"] += rejected
    return counts | ({"skipped_files": skipped} if (skipped := skipped_in(path)) else {})
