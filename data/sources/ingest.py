"""Ingestion: rows of a source become records of the store, each once, and every row is counted."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from data.errors import UserError
from data.sources import hubs, row_shapes
from data.sources.cards import Card, card_of
from data.sources.files import files_in, rows_of, skipped_in
from data.sources.rows import Rejected, Row
from data.sources.samples import damaged_records, word_problems
from data.store import Store, add, ask, files, runs

BATCH = 2_000  # rows of one part of the store
SAMPLE_RECORDS = 3_000
SAMPLE_PROBLEMS = {"train": 3_000, "test": 600}
SAMPLE_SEED = 0
ReadRows = Callable[[], Iterable[Row | Rejected]]  # reads the rows of a source, again at each call


def ingest(
    store: Store,
    source: str,
    path: Path | None = None,
    shape: str | None = None,
    columns: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Read `source` into the store; the object of `thinkbench ingest`.

    Nothing is written before the whole source is read. read = new + already_there + rejected.
    shape: of a person's own rows, whose source has no card
    columns: where these rows hold what the shape expects (data/sources/column_mapping.py)
    """
    card = card_of(source, path, shape, columns)
    counts = _ingest(store, card, lambda: source_rows(card, path), path.name if path else None)
    if path is not None and (skipped := skipped_in(path)):
        counts["skipped_files"] = skipped
    return counts


def ingest_rows(
    store: Store, card: Card, rows: Sequence[dict[str, Any]], *, split: str
) -> dict[str, Any]:
    """Read `rows`, which are in memory, into the store as the source of `card`; counts.

    split: train or test, for all rows. The name of the card is their origin.
    """
    return _ingest(
        store,
        card,
        lambda: (Row(values, card.name, split, n) for n, values in enumerate(rows)),
        card.name,
    )


def source_rows(card: Card, path: Path | None) -> Iterator[Row | Rejected]:
    """Rows of a source: from `path` if there is one, else from where its card says."""
    if path is None and card.hub == "bundled":
        yield from _bundled(card)
    elif path is None and card.hub == "huggingface":
        yield from hubs.hugging_face(card)
    else:
        columns = row_shapes.COLUMNS[card.shape]
        for file in files_in(path) if path else hubs.kaggle(card):
            yield from rows_of(file, columns, card.columns)


def _bundled(card: Card) -> Iterator[Row]:
    if card.shape == "stratos":
        records = damaged_records.stratos_rows(SAMPLE_RECORDS, SAMPLE_SEED)
        yield from (Row(row, card.name, "train", n) for n, row in enumerate(records))
        return
    for split, count in SAMPLE_PROBLEMS.items():
        problems = word_problems.gsm8k_rows(count, SAMPLE_SEED, split)
        yield from (Row(row, card.name, split, n) for n, row in enumerate(problems))


def _ingest(store: Store, card: Card, read_rows: ReadRows, origin: str | None) -> dict[str, Any]:
    """Read the rows twice: first to check and count all of them, then to write the new ones.

    So nothing is written of a source that cannot be read to its end, and no rows stay in memory.
    """
    stored = set(
        ask(store, "select record_id from records where source = $s", s=card.source)["record_id"]
    )
    is_new: dict[str, bool] = {}  # each different record
    rejected: list[Rejected] = []
    read = 0
    for row in read_rows():
        read += 1
        if isinstance(row, Rejected):
            rejected.append(row)
        else:
            identity = record_id(card.source, card.shape, body_of(row))
            is_new.setdefault(identity, identity not in stored)
    new = sum(is_new.values())
    counts: dict[str, Any] = {
        "source": card.source,
        "read": read,
        "new": new,
        "already_there": read - new - len(rejected),
        "rejected": len(rejected),
    }
    if rejected:
        counts["rejections"] = _store_rejected(store, card.source, rejected)
    if new:
        counts["run"] = _write(store, card, read_rows, origin, is_new, counts)
    return counts


def record_id(source: str, shape: str, body: str) -> str:
    """The hash of the record's content, so that a second ingestion adds nothing [32 hex digits]."""
    return runs.fingerprint(source=source, shape=shape, body=body)[:32]


def body_of(row: Row) -> str:
    """The row as the store has it."""
    return json.dumps(row.values, sort_keys=True, ensure_ascii=False, default=str)


def _write(
    store: Store,
    card: Card,
    read_rows: ReadRows,
    origin: str | None,
    is_new: dict[str, bool],
    counts: dict[str, Any],
) -> str:
    """Read the rows again and write the new ones, one part of the store at a time; the run.

    Parts are cut from all different rows in order: two processes that ingest at once write the
    same parts, and so does one that resumes after an interruption.
    """
    digest = runs.fingerprint(records=sorted(is_new))
    run = f"ingest-{card.source}-{digest[:12]}"
    config = asdict(card) | {"from": origin}
    try:
        runs.begin(store, "ingest", run=run, config=config, seed=None, inputs={"records": digest})
    except runs.RunExists:  # another process has just ingested these very rows
        counts["already_there"] += counts["new"]
        counts["new"] = 0
        return run
    with runs.failures_recorded(store, run):
        seen: set[str] = set()
        batch: list[dict[str, Any]] = []
        for row in read_rows():
            if isinstance(row, Rejected):
                continue
            record = _record(card, row)
            if record["record_id"] in seen:
                continue
            if record["record_id"] not in is_new:
                raise UserError(
                    f"{row.file} changed while it was read. Run the same command again."
                )
            seen.add(record["record_id"])
            batch.append(record)
            if len(batch) == BATCH:
                _write_part(store, run, batch, is_new, len(seen))
                batch = []
        _write_part(store, run, batch, is_new, len(seen))
    runs.end(store, run, "done", counts)
    return run


def _record(card: Card, row: Row) -> dict[str, Any]:
    body = body_of(row)
    return {
        "record_id": record_id(card.source, card.shape, body),
        "source": card.source,
        "shape": card.shape,
        "split": row.split,
        "row_number": row.number,
        "origin": row.file,
        "body": body,
    }


def _write_part(
    store: Store, run: str, batch: list[dict[str, Any]], is_new: dict[str, bool], end: int
) -> None:
    records = [record for record in batch if is_new[record["record_id"]]]
    if records:
        once = runs.fingerprint(records=[record["record_id"] for record in records])
        add(store, "records", pl.DataFrame(records), run=run, once=once, position=end)


def _store_rejected(store: Store, source: str, rejected: list[Rejected]) -> str:
    lines = "".join(f"{json.dumps(vars(row), ensure_ascii=False)}\n" for row in rejected)
    digest = runs.fingerprint(lines=lines)[:12]
    path = f"rejected/{source}-{digest}.jsonl"
    files.write(store.folder, [(path, lines.encode())])
    return str(store.folder / path)
