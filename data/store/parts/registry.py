"""The table `parts` of state.db: which parts are live, and which others replaced."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

from data.store import files
from data.store.parts.contents import Described, Part
from data.store.parts.names import is_pair_of_texts, scores_of
from data.store.state_db import now


def unregistered(connection: sqlite3.Connection, paths: Iterable[str]) -> list[str]:
    """Those of `paths` to register now. Texts wait until their scores are written."""
    listed = list(paths)
    new = _not_in_parts(connection, listed, "status in ('missing', 'trashed')")
    waiting = _not_in_parts(connection, [path for path in new if is_pair_of_texts(path)], "false")
    scores = [scores_of(path) for path in waiting]
    absent = set(_not_in_parts(connection, scores, "false")).difference(listed)
    without = {path for path in waiting if scores_of(path) in absent}
    return [path for path in new if path not in without]


def _not_in_parts(connection: sqlite3.Connection, paths: list[str], besides: str) -> list[str]:
    """Those of `paths` that have no row, or one that is as `besides` says."""
    if not paths:
        return []
    return [
        path
        for (path,) in connection.execute(
            "select value from json_each(?) where not exists"
            f" (select 1 from parts where path = value and not ({besides}))",
            (json.dumps(paths),),
        )
    ]


def register(connection: sqlite3.Connection, root: Path, facts: dict[str, Described]) -> None:
    """Add those of these parts that no other process has registered yet."""
    new = unregistered(connection, facts)
    for path in _in_order(root, {path: facts[path] for path in new}):
        _register(connection, *facts[path])
    touch(connection, {facts[path].part.table for path in new})


def _in_order(root: Path, new: dict[str, Described]) -> Iterator[str]:
    """Each part after those that it replaces, whatever the clock made of their names.

    Of two merges of the same rows the first counts: that is the one whose sources are gone.
    """
    sorter = TopologicalSorter(
        {
            path: {*described.replaces, *described.holds} & (new.keys() - {path})
            for path, described in new.items()
        }
    )
    sorter.prepare()
    while sorter.is_active():
        ready = sorter.get_ready()
        yield from sorted(ready, key=lambda p: (_all_exist(root, new[p].replaces), p))
        sorter.done(*ready)


def _all_exist(root: Path, paths: list[str]) -> bool:
    return all(files.exists(root, path) for path in paths)


def _register(
    connection: sqlite3.Connection, part: Part, replaces: list[str], holds: list[str]
) -> None:
    row = connection.execute("select status from parts where path = ?", (part.path,)).fetchone()
    # a part that was missing, and is there again, had replaced the others before
    status = "live" if row or not _any_replaced(connection, replaces) else "replaced"
    if status == "live":
        mark(connection, part.table, {*replaces, *holds}, "replaced")
    connection.execute(
        "insert or replace into parts values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*part, status, now()),
    )


def _any_replaced(connection: sqlite3.Connection, paths: list[str]) -> bool:
    """Whether another merge has any of `paths`: a second one would show its rows twice."""
    query = (
        "select count(*) from parts where status in ('replaced', 'swept')"
        " and path in (select value from json_each(?))"
    )
    return connection.execute(query, (json.dumps(paths),)).fetchone()[0] > 0


def mark(connection: sqlite3.Connection, table: str, paths: Iterable[str], status: str) -> None:
    """Give these parts of `table` a status, also those that state.db does not have yet."""
    connection.executemany(
        "insert into parts values (?, ?, null, null, 0, 0, '', ?, ?)"
        " on conflict do update set status = excluded.status, changed_at = excluded.changed_at",
        [(path, table, status, now()) for path in paths],
    )


def touch(connection: sqlite3.Connection, tables: Iterable[str]) -> None:
    """Count a change of the live parts of `tables`, for `changes_of`."""
    connection.executemany(
        "insert into meta values (?, 1) on conflict do update set value = value + 1",
        [(f"changes of {table}",) for table in tables],
    )


def changes_of(connection: sqlite3.Connection, table: str) -> tuple[int, int]:
    """Two numbers that change whenever the live parts of `table` do; they depend on no clock."""
    query = "select coalesce(max(value), 0) from meta where key = ?"
    changes = connection.execute(query, (f"changes of {table}",)).fetchone()[0]
    query = "select count(*) from parts where status = 'live' and table_name = ?"
    return connection.execute(query, (table,)).fetchone()[0], changes


def live(
    connection: sqlite3.Connection,
    table: str,
    runs: tuple[str, ...] | None = None,
    stages: tuple[str, ...] | None = None,
) -> list[Part]:
    """Live parts of `table` by path, only of `runs` and `stages`; parts of all runs are kept."""
    query = (
        "select path, table_name, run, stage, rows, bytes, columns from parts"
        " where status = 'live' and table_name = ?"
    )
    values: list[str] = [table]
    for column, names in (("run", runs), ("stage", stages)):
        if names is not None:
            query += f" and ({column} is null or {column} in ({','.join('?' * len(names))}))"
            values += names
    return [Part(*row) for row in connection.execute(query + " order by path", values)]
