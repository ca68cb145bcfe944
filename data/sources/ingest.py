"""Ingestion: rows of a source become records of the store, each once, and every row is counted."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from data.errors import UserError
from data.sources.cards import Card, card, own, rows
from data.sources.files import Rejected, Row, skipped_in
from data.store import Store, add, ask, files, runs

BATCH = 2_000  # rows of one part


def record_id(source: str, shape: str, body: str) -> str:
    """The hash of what a record is, so that ingesting it twice adds nothing [32 hex digits]."""
    return runs.fingerprint(source=source, shape=shape, body=body)[:32]


def ingest(
    store: Store,
    source: str,
    path: Path | None = None,
    shape: str | None = None,
    columns: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Read `source` into the store; the object of `thinkbench ingest`.

    Nothing is written before the whole source could be read. read = new + already_there + rejected.
    shape: of rows of one's own, whose source has no card
    columns: where those hold what the shape expects (data/sources/column_mapping.py)
    """
    of = own(source, path, shape, columns) if shape else card(source)
    known = set(
        ask(store, "select record_id from records where source = $s", s=source)["record_id"]
    )
    # read twice: nothing is written of what cannot be read to its end, and no rows are kept
    every: dict[str, bool] = {}  # each different row, and whether it is new
    rejected: list[Rejected] = []
    read = 0
    for row in rows(of, path):
        read += 1
        if isinstance(row, Rejected):
            rejected.append(row)
        else:
            identity = record_id(source, of.shape, body_of(row))
            every.setdefault(identity, identity not in known)
    new = sum(every.values())
    counts: dict[str, Any] = {
        "source": source,
        "read": read,
        "new": new,
        "already_there": read - new - len(rejected),
        "rejected": len(rejected),
    }
    if rejected:
        counts["rejections"] = _keep(store, source, rejected)
    if path is not None and (skipped := skipped_in(path)):
        counts["skipped_files"] = skipped
    if new:
        counts["run"] = _write(store, of, path, every, counts)
    return counts


def body_of(row: Row) -> str:
    """The row as it is kept."""
    return json.dumps(row.values, sort_keys=True, ensure_ascii=False, default=str)


def _write(
    store: Store, of: Card, path: Path | None, every: dict[str, bool], counts: dict[str, Any]
) -> str:
    """Read the rows again and write those of `every` that are new, a part at a time.

    Parts are cut from all different rows in order, so that two who ingest at once, or one who was
    broken off and ingests again, write the same parts.
    """
    digest = runs.fingerprint(records=sorted(every))
    run = f"ingest-{of.source}-{digest[:12]}"
    config = asdict(of) | {"from": path.name if path else None}
    try:
        runs.begin(store, "ingest", run=run, config=config, seed=None, inputs={"records": digest})
    except runs.RunExists:  # another process has just ingested these very rows
        counts["already_there"] += counts["new"]
        counts["new"] = 0
        return run
    with runs.failures_recorded(store, run):
        seen: set[str] = set()
        batch: list[dict[str, Any]] = []
        for row in rows(of, path):
            if isinstance(row, Rejected):
                continue
            record = _record(of, row)
            if record["record_id"] in seen:
                continue
            if record["record_id"] not in every:
                raise UserError(
                    f"{row.file} changed while it was read. Give the same command again."
                )
            seen.add(record["record_id"])
            batch.append(record)
            if len(batch) == BATCH:
                _write_part(store, run, batch, every, len(seen))
                batch = []
        _write_part(store, run, batch, every, len(seen))
    runs.end(store, run, "done", counts)
    return run


def _record(of: Card, row: Row) -> dict[str, Any]:
    body = body_of(row)
    return {
        "record_id": record_id(of.source, of.shape, body),
        "source": of.source,
        "shape": of.shape,
        "split": row.split,
        "row_number": row.number,
        "origin": row.file,
        "body": body,
    }


def _write_part(
    store: Store, run: str, batch: list[dict[str, Any]], every: dict[str, bool], place: int
) -> None:
    records = [record for record in batch if every[record["record_id"]]]
    if records:
        once = runs.fingerprint(records=[record["record_id"] for record in records])
        add(store, "records", pl.DataFrame(records), run=run, once=once, position=place)


def _keep(store: Store, source: str, rejected: list[Rejected]) -> str:
    lines = "".join(f"{json.dumps(vars(row), ensure_ascii=False)}\n" for row in rejected)
    digest = runs.fingerprint(lines=lines)[:12]
    path = f"rejected/{source}-{digest}.jsonl"
    files.write(store.folder, [(path, lines.encode())])
    return str(store.folder / path)
