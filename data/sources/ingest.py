"""Ingestion: rows of a source become records of the store, each once, and every row is counted."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import polars as pl

from data.errors import UserError
from data.sources import hubs, row_shapes
from data.sources.cards import Card, card_of
from data.sources.files import files_in, name_of_files, rows_of, skipped_in
from data.sources.formats import TRAIN, Rejected, Row
from data.sources.ingested import refuse_to_mix
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
    split: str | None = None,
) -> dict[str, Any]:
    """Read `source` into the store; the object of `thinkbench ingest`.

    Nothing is written before the whole source is read. read = new + in_store + repeated + rejected.

    repeated: rows that stand twice in this source, in one split
    in_several_splits: different rows that stand in more than one split, of this source or with the
        store: leakage. Each is a record in each split.
    shape: of a person's own rows, whose source has no card
    columns: where these rows hold what the shape expects (data/sources/column_mapping.py)
    split: train, validation or test, of all rows; None: as rows, files and folders say
    """
    card = card_of(source, path, shape, columns)
    location: dict[str, str | None] = {"from": path.name if path else None}
    if path is not None:
        location["content"] = name_of_files(path)
    counts = _ingest(store, card, lambda: source_rows(card, path, split), location)
    if path is not None and (skipped := skipped_in(path)):
        counts["skipped_files"] = skipped
    return counts


def ingest_rows(
    store: Store, card: Card, rows: Sequence[dict[str, Any]], *, split: str
) -> dict[str, Any]:
    """Read `rows`, which are in memory, into the store as the source of `card`; counts.

    split: train, validation or test, for all rows. The name of the card is their origin.
    """
    return _ingest(
        store,
        card,
        lambda: (Row(values, card.name, split, n) for n, values in enumerate(rows)),
        {"from": card.name},
    )


def source_rows(
    card: Card, path: Path | None, split: str | None = None
) -> Iterator[Row | Rejected]:
    """Rows of a source: from `path` if there is one, else from where its card says.

    split: of all rows, whatever they and their files say
    """
    for row in _rows_as_read(card, path):
        yield replace(row, split=split) if split and isinstance(row, Row) else row


def _rows_as_read(card: Card, path: Path | None) -> Iterator[Row | Rejected]:
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


def _ingest(
    store: Store, card: Card, read_rows: ReadRows, location: dict[str, str | None]
) -> dict[str, Any]:
    """Read the rows twice: first to check and count all of them, then to write the new ones.

    So nothing is written of a source that cannot be read to its end, and no rows stay in memory.
    location: what the run records of where the rows come from (data/sources/ingested.py)
    """
    ids = RecordIds(card, _stored(store, card.source))
    is_new: dict[str, bool] = {}  # each different record
    splits: Counter[str] = Counter()
    rejected: list[Rejected] = []
    read = repeated = 0
    for row in read_rows():
        read += 1
        if isinstance(row, Rejected):
            rejected.append(row)
            continue
        splits[row.split] += 1
        identity = ids.of(body_of(row), row.split)
        repeated += identity in is_new
        is_new.setdefault(identity, identity not in ids.stored)
    new = sum(is_new.values())
    counts: dict[str, Any] = {
        "source": card.source,
        "read": read,
        "new": new,
        "in_store": len(is_new) - new,
        "repeated": repeated,
        "rejected": len(rejected),
        "splits": dict(splits.most_common()),
    }
    if leaked := len(ids.in_several_splits):
        counts["in_several_splits"] = leaked
    if rejected:
        counts["rejections"] = _store_rejected(store, card.source, rejected)
    if new:
        refuse_to_mix(store, card, location.get("from"))
    if new or _was_killed(store, card, is_new):
        counts["run"] = _write(store, ids, read_rows, location, is_new, counts)
    return counts


def _stored(store: Store, source: str) -> dict[str, str]:
    """The split of each record of `source`, by its id."""
    records = ask(store, "select record_id, split from records where source = $s", s=source)
    return dict(records.iter_rows())


def _run_of(card: Card, is_new: dict[str, bool]) -> tuple[str, str]:
    """The name of the run that ingests these records, and their hash."""
    digest = runs.fingerprint(records=sorted(is_new))
    return f"ingest-{card.source}-{digest[:12]}", digest


def _was_killed(store: Store, card: Card, is_new: dict[str, bool]) -> bool:
    """Whether these very records were written by a run that never recorded its end."""
    state = runs.state(store, _run_of(card, is_new)[0])
    return state is not None and state["event"] != "done"


class RecordIds:
    """The ids of the records of a source, and which contents stand in several splits.

    A record is a content in a split, so a row that is in train and in test is two records. The id
    of a train record is the hash of its content; that of another split follows from it. In stores
    of before, a record of any split has the hash of its content: such a record keeps its id.
    """

    def __init__(self, card: Card, stored: dict[str, str]):
        """stored: the split of each record that the store has of the source, by its id"""
        self.card = card
        self.stored = stored
        self.in_several_splits: set[str] = set()  # hashes of contents
        self._splits: dict[str, str] = {}  # the split of each content that was read
        self._stored_splits = set(stored.values())

    def of(self, body: str, split: str) -> str:
        """The id of the record of a row in `split`."""
        content = record_id(self.card.source, self.card.shape, body)
        other_splits = self._stored_splits - {split}
        if self._splits.setdefault(content, split) != split or any(
            self._id(content, other) in self.stored for other in other_splits
        ):
            self.in_several_splits.add(content)
        return self._id(content, split)

    def _id(self, content: str, split: str) -> str:
        if self.stored.get(content, TRAIN) == split:
            return content
        return runs.fingerprint(record=content, split=split)[:32]


def record_id(source: str, shape: str, body: str) -> str:
    """The hash of the record's content, so that a second ingestion adds nothing [32 hex digits]."""
    return runs.fingerprint(source=source, shape=shape, body=body)[:32]


def body_of(row: Row) -> str:
    """The row as the store has it."""
    return json.dumps(row.values, sort_keys=True, ensure_ascii=False, default=str)


def _write(
    store: Store,
    ids: RecordIds,
    read_rows: ReadRows,
    location: dict[str, str | None],
    is_new: dict[str, bool],
    counts: dict[str, Any],
) -> str:
    """Read the rows again and write the new ones, one part of the store at a time; the run.

    Parts are cut from all different rows in order: two processes that ingest at once write the
    same parts, and so does one that resumes after an interruption.
    """
    run, digest = _run_of(ids.card, is_new)
    config = asdict(ids.card) | location
    try:
        runs.begin(store, "ingest", run=run, config=config, seed=None, inputs={"records": digest})
    except runs.RunExists:  # another process has just ingested these rows, or the store lost some
        stored = _stored(store, ids.card.source)
        is_absent = {identity: identity not in stored for identity in is_new}
        lost = sum(is_absent.values())
        counts |= {"new": lost, "in_store": len(is_new) - lost}
        if lost:
            _write_rows(store, ids, read_rows, run, is_absent)
        return run
    with runs.failures_recorded(store, run):
        _write_rows(store, ids, read_rows, run, is_new)
    runs.end(store, run, "done", counts)
    return run


def _write_rows(
    store: Store, ids: RecordIds, read_rows: ReadRows, run: str, is_new: dict[str, bool]
) -> None:
    seen: set[str] = set()
    batch: list[dict[str, Any]] = []
    for row in read_rows():
        if isinstance(row, Rejected):
            continue
        record = _record(ids, row)
        if record["record_id"] in seen:
            continue
        if record["record_id"] not in is_new:
            raise UserError(f"{row.file} changed while it was read. Run the same command again.")
        seen.add(record["record_id"])
        batch.append(record)
        if len(batch) == BATCH:
            _write_part(store, run, batch, is_new, len(seen))
            batch = []
    _write_part(store, run, batch, is_new, len(seen))


def _record(ids: RecordIds, row: Row) -> dict[str, Any]:
    body = body_of(row)
    return {
        "record_id": ids.of(body, row.split),
        "source": ids.card.source,
        "shape": ids.card.shape,
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
