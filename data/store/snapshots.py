"""A snapshot: what the store held at one moment, and the answers to questions about it.

All questions to one snapshot see the same rows, and the folders are listed once for all of them.
A question that is asked outside of one gets a snapshot of its own.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from data.store import files, parts, views
from data.store.database import Cursor, borrow, give_back
from data.store.files import StoreError
from data.store.schema import OF_RUNS, TABLES
from data.store.state_db import ANNOTATIONS, frame

Names = tuple[str, ...] | None  # of runs or stages whose parts are read; None: all
# in SQL `runs` is a view over the events, and `rollouts` one of those that were trained on
TABLE_OF = {"run_events": "runs", "sampled_rollouts": "rollouts"}


@dataclass
class Snapshot:
    """The store in `folder` at the moment that the transaction of `state` has."""

    folder: Path
    state: Any = field(repr=False)  # a connection to state.db, in a transaction that reads
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    ended: bool = False
    # one for each choice of runs and stages, with the names whose views are of this snapshot
    cursors: dict[tuple[Names, Names], tuple[Cursor, set[str]]] = field(
        default_factory=dict, repr=False
    )


class PartsGone(StoreError):
    """Parts that a snapshot has are gone: swept since it was taken, or lost."""


@contextmanager
def taken(folder: Path, tables: Iterable[str], runs: Names = None) -> Iterator[Snapshot]:
    """A snapshot that can answer questions about `tables`, and about what people wrote.

    runs: of OF_RUNS it can answer questions about these only
    """
    with parts.scanned(folder, tables, runs) as (state, _):
        state.execute("begin")
        state.execute("select value from meta").fetchone()  # the first read fixes the moment
        snapshot = Snapshot(folder, state)
        try:
            yield snapshot
        except BaseException:
            for cursor in _end(snapshot):
                cursor.connection.close()
            raise
        for cursor in _end(snapshot):
            give_back(cursor)


def _end(snapshot: Snapshot) -> list[Cursor]:
    """Its cursors, which it no longer has; a question that is being answered is waited for."""
    with snapshot.lock:
        snapshot.ended = True
        cursors = [cursor for cursor, _ in snapshot.cursors.values()]
        snapshot.cursors.clear()
    return cursors


def answer(
    snapshot: Snapshot, statement: str, params: dict[str, Any], runs: Names, stages: Names
) -> pl.DataFrame:
    """The answer to one statement. runs, stages: of the tables of OF_RUNS, read these parts only"""
    with snapshot.lock, _unreadable_part_explained(snapshot.folder):
        if snapshot.ended:
            raise ValueError("the snapshot has ended: ask within its `with` block, or the store")
        if (runs, stages) not in snapshot.cursors:
            snapshot.cursors[runs, stages] = borrow(), set()
        cursor, present = snapshot.cursors[runs, stages]
        names = views.in_order(views.names_in(statement))
        try:
            _make_views(snapshot, names, runs, stages)
            return cursor.connection.sql(statement, params=params).pl()
        # a deleted run's parts moved to .trash, or a view reads parts of other columns by now
        except (duckdb.IOException, duckdb.BinderException):
            present.clear()
            cursor.forget()
            _make_views(snapshot, names, runs, stages)
            return cursor.connection.sql(statement, params=params).pl()


def make_view(snapshot: Snapshot, cursor: Cursor, name: str) -> None:
    """Make a table or view of the snapshot known to a cursor of another database."""
    _make_view(snapshot, cursor, name, None, None)


def part_files(snapshot: Snapshot, names: Iterable[str]) -> list[str]:
    """The files that the tables among `names` read."""
    tables = {TABLE_OF.get(name, name) for name in names if name not in views.VIEWS}
    root = files.plain(snapshot.folder)
    paths = [
        part.path for table in tables & TABLES.keys() for part in parts.live(snapshot.state, table)
    ]
    present = {
        path: path if files.exists(snapshot.folder, path) else _in_trash(snapshot, path)
        for path in paths
    }
    return sorted(str(root / path) for path in present.values() if path)


def _make_views(snapshot: Snapshot, names: Iterable[str], runs: Names, stages: Names) -> None:
    cursor, present = snapshot.cursors[runs, stages]
    for name in names:
        if name not in present:
            _make_view(snapshot, cursor, name, runs, stages)
            present.add(name)


def tables_of(statement: str) -> set[str]:
    """The tables of parts that `statement` reads, also through views."""
    names = views.in_order(views.names_in(statement))
    return {TABLE_OF.get(name, name) for name in names if name not in views.VIEWS} & TABLES.keys()


def _make_view(snapshot: Snapshot, cursor: Cursor, name: str, runs: Names, stages: Names) -> None:
    """Make the table or view `name` known to `cursor`; nothing for a name that is neither."""
    table = TABLE_OF.get(name, name)
    if name in views.VIEWS:
        query = views.VIEWS[name]
    elif name in ANNOTATIONS:
        rows = frame(snapshot.state, name)
        if not rows.is_empty():
            cursor.frame(name, rows)
            return
        query = f"from empty.{name}"
    elif table in OF_RUNS:
        query = _parts_query(snapshot, table, parts.live(snapshot.state, table, runs, stages))
    elif table in TABLES:
        query = _parts_query(snapshot, table, parts.live(snapshot.state, table))
    else:
        return
    cursor.view(name, query)


def _in_trash(snapshot: Snapshot, path: str) -> str | None:
    """Where a part lies whose run was deleted since the snapshot had it."""
    query = "select changed_at from parts where path = ?"
    (registered_at,) = snapshot.state.execute(query, (path,)).fetchone()
    return files.in_trash(snapshot.folder, path, registered_at)


def _parts_query(snapshot: Snapshot, table: str, live: list[parts.Part]) -> str:
    folder = snapshot.folder
    paths = {part.path: part.path for part in live if files.exists(folder, part.path)}
    gone = [part.path for part in live if part.path not in paths]
    # of a run that was deleted since: this is the store as it was before
    paths |= {path: trashed for path in gone if (trashed := _in_trash(snapshot, path))}
    if gone := [path for path in gone if path not in paths]:
        number, verb = ("1 part", "is") if len(gone) == 1 else (f"{len(gone):,} parts", "are")
        raise PartsGone(
            f"{number} of {table} {verb} gone, the first is {gone[0]}; expected every part"
            f" in {folder}. Restore them from a backup, or go on without their rows:"
            " thinkbench store repair"
        )
    if not live:
        return f"from empty.{table}"
    root = files.plain(folder)
    listed = ",".join("'" + str(root / path).replace("'", "''") + "'" for path in paths.values())
    # a folder `run=7` is no column of numbers, and the store's own folder may be named `a=b`
    options = "union_by_name = true, hive_partitioning = false"
    query = f"from read_parquet([{listed}], {options})"
    if any(part.columns != ",".join(TABLES[table]) for part in live):  # older or newer parts
        return f"from empty.{table} union all by name {query}"
    return query


@contextmanager
def _unreadable_part_explained(folder: Path) -> Iterator[None]:
    """A part that cannot be read becomes a `StoreError`; a question that is wrong stays a bug."""
    try:
        yield
    except (duckdb.IOException, duckdb.InvalidInputException) as error:
        if ".parquet" not in str(error):
            raise
        raise StoreError(
            f"a part of {folder} cannot be read: {error}. Restore it from a backup, or move it out"
            " of the store to go on without its rows."
        ) from error
