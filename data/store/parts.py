"""Parts: immutable Parquet files, which the next reader registers in state.db.

The name of a part says when its rows count. `part-`: at once. `pair-`: texts and scores of the
same generations under one name; the texts count once the scores, which are renamed last, exist.
`merged-`: its metadata names the parts that it replaces, and all pairs whose scores it holds.
Parquet files of other names are no parts.
"""

import io
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from data.store import files
from data.store.files import StoreError
from data.store.schema import OF_RUNS, TABLES
from data.store.state_db import UnwritableState, commit, connect, copy_of, is_writable, now

FOLDERS = {table: table for table in TABLES} | {"generations": "texts"}
PAIR = ("scores", "generations")  # listed in this order: whoever sees the scores sees the texts
WITH_TEXTS = ("records", "examples", "generations", "rollouts", "rollout_origins")
TEXT_ROWS = 4096  # rows of a row group of texts: reading one text costs reading one group
ROWS = 65536  # rows of a row group of anything else
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")  # of folders that are read


class Part(NamedTuple):
    """A row of the table `parts`, but for its status."""

    path: str
    table: str
    run: str | None
    stage: str | None
    rows: int
    size: int  # bytes
    columns: str  # names in order, joined by commas


class Described(NamedTuple):
    """A part as its file has it.

    replaces: the paths of the parts that it replaces
    holds:    the paths of the parts whose rows it has, also through merges of merges, and that may
              be needed or written once more (see `may_come_again`)
    """

    part: Part
    replaces: list[str]
    holds: list[str]


def checked_name(kind: str, name: str) -> str:
    """`name`, which becomes a folder. A name that could escape the store's folder is refused."""
    if not NAME.fullmatch(name) or name[0] == "-":  # which a command line takes for an option
        raise StoreError(
            f"{kind} {name!r} cannot name a folder; expected 1 to 100 letters, digits, '.', '_' or "
            "'-', with no dot or '-' first. Choose another name."
        )
    return name


def folder_of(table: str, run: str | None, stage: str | None) -> str:
    levels = [FOLDERS[table]]
    if run is not None:
        levels.append(f"run={checked_name('run', run)}")
    if stage is not None:
        levels.append(f"stage={checked_name('stage', stage)}")
    return "/".join(levels)


def content(
    table: str, rows: pl.DataFrame, replaces: Iterable[str] = (), holds: Iterable[str] = ()
) -> memoryview:
    """The bytes of a part. In memory first: polars hides which error the disk had."""
    buffer = io.BytesIO()
    rows.write_parquet(
        buffer,
        compression="zstd",
        row_group_size=TEXT_ROWS if table in WITH_TEXTS else ROWS,
        metadata={
            "thinkbench.replaces": json.dumps(sorted(replaces)),
            "thinkbench.holds": json.dumps(sorted(holds)),
        },
    )
    return buffer.getbuffer()


def footer(root: Path, path: str) -> Any:
    """The metadata of a Parquet file, as pyarrow reads it; FileNotFoundError where it is gone."""
    import pyarrow  # a question about registered parts does without
    import pyarrow.parquet

    with files.explained(root / path), open(f"{root}/{path}", "rb") as file:
        try:
            return pyarrow.parquet.read_metadata(file)
        except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError, EOFError) as error:
            raise StoreError(
                f"{root / path} is no whole Parquet file ({error}). Every part of a store is."
                " Restore it from a backup, or move it out of the store to go on without its rows."
            ) from error


def described(root: Path, path: str) -> Described:
    """The part at `path`; FileNotFoundError where it is gone."""
    metadata = footer(root, path)
    levels = path.split("/")
    keys = dict(level.split("=", 1) for level in levels[1:-1])
    table = next(table for table, folder in FOLDERS.items() if folder == levels[0])
    run = keys.get("run")
    if run is not None and not runs_in(metadata) <= {run}:
        raise StoreError(
            f"{root / path} holds rows of {', '.join(sorted(runs_in(metadata)))}; expected those of"
            f" run {run}, in whose folder it lies. Move it out of the store."
        )
    part = Part(
        path,
        table,
        run,
        keys.get("stage"),
        metadata.num_rows,
        files.size(root, path),
        ",".join(metadata.schema.to_arrow_schema().names),
    )
    texts = metadata.metadata or {}
    replaces = json.loads(texts.get(b"thinkbench.replaces", b"[]"))
    holds = json.loads(texts.get(b"thinkbench.holds", b"null"))
    if holds is None:  # of a version that did not say
        holds = [replaced for replaced in replaces if may_come_again(replaced)]
    return Described(part, replaces, holds)


def run_of(path: str) -> str | None:
    """The run in whose folder a part lies; None for merged events of many runs."""
    levels = dict(level.split("=", 1) for level in path.split("/")[1:-1])
    return levels.get("run")


def runs_in(metadata: Any) -> set[str]:
    """The first and last name in the column `run`, where the file has statistics of it."""
    names: set[str] = set()
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for index in range(group.num_columns):
            column = group.column(index)
            if column.path_in_schema == "run" and column.statistics is not None:
                names |= {column.statistics.min, column.statistics.max}
    return names - {None}


def tables_together(tables: Iterable[str]) -> list[str]:
    """`tables`, and the other half of a pair: the two are registered in one transaction."""
    names = set(tables)
    if names & set(PAIR):
        names |= set(PAIR)
    return sorted(names, key=lambda table: (table not in PAIR, table != "scores", table))


def scan(root: Path, tables: Iterable[str], runs: tuple[str, ...] | None = None) -> Path | None:
    """Register the parts that writers have added. Any number of processes may do so at once.

    runs: of OF_RUNS look only for parts of these
    The private copy of state.db that has them where state.db cannot be written, else None.
    """
    with scanned(root, tables, runs) as (_, copy):
        return copy


@contextmanager
def scanned(
    root: Path, tables: Iterable[str], runs: tuple[str, ...] | None = None
) -> Iterator[tuple[sqlite3.Connection, Path | None]]:
    """A connection that has the parts which `scan` registers, for any thread, and the copy."""
    copy = None if is_writable(root) else copy_of(root)
    paths = _paths(root, tables, runs)
    facts: dict[str, Described] = {}
    while True:  # that scores are known may make their texts known
        with connect(root, path=copy, any_thread=True) as connection:
            new = unregistered(connection, paths)
            if not new:
                yield connection, copy
                return
        for path in new:
            try:
                facts[path] = facts.get(path) or described(root, path)
            except FileNotFoundError:  # another process has swept or deleted it since
                paths.remove(path)
        copy = _commit(root, copy, facts)


def _paths(root: Path, tables: Iterable[str], runs: tuple[str, ...] | None) -> list[str]:
    folders = []
    for table in tables_together(tables):
        if runs is None or table not in OF_RUNS:
            folders.append(FOLDERS[table])
        else:  # what cannot name a folder names no run
            names = (run for run in runs if NAME.fullmatch(run))
            folders += [f"{FOLDERS[table]}/run={run}" for run in names]
    return [path for folder in folders for path in files.parquet_files(root, folder)]


def _commit(root: Path, copy: Path | None, facts: dict[str, Described]) -> Path | None:
    """Register parts in state.db, or in a copy where it cannot be written; the copy."""
    try:
        with commit(root, copy) as connection:
            register(connection, root, facts)
    except UnwritableState:
        if copy is not None:
            raise
        return _commit(root, copy_of(root), facts)
    return copy


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


def is_pair_of_texts(path: str) -> bool:
    return path.startswith(f"{FOLDERS['generations']}/") and "/pair-" in path


def may_come_again(path: str) -> bool:
    """Whether texts wait for this part, or a writer may write it again under the same name."""
    return "/pair-" in path or files.is_fixed(path)


def scores_of(path: str) -> str:
    return FOLDERS["scores"] + path.removeprefix(FOLDERS["generations"])


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
