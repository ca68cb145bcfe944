"""Parts: immutable Parquet files, which the next reader registers in state.db.

The name of a part says when its rows count. `part-`: at once. `pair-`: texts and scores of the
same generations under one name; the texts count once the scores, which are renamed last, exist.
`merged-`: its metadata names the parts whose rows it holds, and it replaces them.
"""

import io
import json
import re
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import polars as pl

from data.store import files, state_db
from data.store.files import StoreError
from data.store.schema import TABLES

FOLDERS = {table: table for table in TABLES} | {"generations": "texts"}
PAIR = ("scores", "generations")  # listed in this order: whoever sees the scores sees the texts
WITH_TEXTS = ("records", "examples", "generations", "rollouts")
TEXT_ROWS = 4096  # rows of a row group of texts: reading one text costs reading one group
ROWS = 65536  # rows of a row group of anything else
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


class Part(NamedTuple):
    path: str
    table: str
    run: str | None
    stage: str | None
    rows: int
    size: int  # bytes
    columns: str  # names in order, joined by commas


def checked_name(kind: str, name: str) -> str:
    """`name`, which becomes a folder. A name that could escape the store's folder is refused."""
    if not NAME.fullmatch(name):
        raise StoreError(
            f"{kind} {name!r} cannot name a folder; expected 1 to 100 letters, digits, '.', '_' or "
            "'-', with no dot first. Choose another name."
        )
    return name


def folder_of(table: str, run: str | None, stage: str | None) -> str:
    levels = [FOLDERS[table]]
    if run is not None:
        levels.append(f"run={checked_name('run', run)}")
    if stage is not None:
        levels.append(f"stage={checked_name('stage', stage)}")
    return "/".join(levels)


def content(table: str, rows: pl.DataFrame, replaces: Iterable[str] = ()) -> memoryview:
    """The bytes of a part. In memory first: polars hides which error the disk had."""
    buffer = io.BytesIO()
    rows.write_parquet(
        buffer,
        compression="zstd",
        row_group_size=TEXT_ROWS if table in WITH_TEXTS else ROWS,
        metadata={"thinkbench.replaces": json.dumps(sorted(replaces))},
    )
    return buffer.getbuffer()


def described(root: Path, path: str) -> tuple[Part, list[str]]:
    """The part at `path`, and the paths of the parts that it replaces."""
    levels = path.split("/")
    keys = dict(level.split("=", 1) for level in levels[1:-1] if "=" in level)
    table = next(table for table, folder in FOLDERS.items() if folder == levels[0])
    try:
        rows = pl.scan_parquet(root / path).select(pl.len()).collect().item()
        columns = ",".join(pl.read_parquet_schema(root / path))
        metadata = pl.read_parquet_metadata(root / path)
    except pl.exceptions.ComputeError as error:
        raise StoreError(
            f"{root / path} is no whole Parquet file ({error}). Every part of a store is. "
            f"Restore it from a backup, or move it out of the store to go on without its rows."
        ) from error
    replaces = json.loads(metadata.get("thinkbench.replaces", "[]"))
    size = files.size(root, path)
    part = Part(path, table, keys.get("run"), keys.get("stage"), rows, size, columns)
    return part, replaces


def tables_together(tables: Iterable[str]) -> list[str]:
    """`tables`, and the other half of a pair: the two are registered in one transaction."""
    names = set(tables)
    if names & set(PAIR):
        names |= set(PAIR)
    return sorted(names, key=lambda table: (table not in PAIR, table != "scores", table))


def scan(root: Path, tables: Iterable[str]) -> None:
    """Register the parts that writers have added. Any number of processes may do so at once."""
    paths = [
        path
        for table in tables_together(tables)
        for path in files.parquet_files(root, FOLDERS[table])
    ]
    with state_db.connect(root) as connection:
        new = unregistered(connection, paths)
    if not new:
        return
    facts = {path: described(root, path) for path in new}
    with state_db.commit(root) as connection:
        # by name, which is by time: a merged part comes after those that it replaces
        for path in sorted(unregistered(connection, new), key=lambda path: path.rsplit("-", 2)[1]):
            register(connection, *facts[path])


def unregistered(connection: sqlite3.Connection, paths: list[str]) -> list[str]:
    """Those of `paths` to register now. Texts wait until their scores are written."""
    new = _not_in_parts(connection, paths)
    scores = [scores_of(path) for path in new if is_pair_of_texts(path)]
    absent = set(_not_in_parts(connection, scores)).difference(paths)
    return [path for path in new if not is_pair_of_texts(path) or scores_of(path) not in absent]


def _not_in_parts(connection: sqlite3.Connection, paths: list[str]) -> list[str]:
    return [
        path
        for (path,) in connection.execute(
            "select value from json_each(?) where value not in (select path from parts)",
            (json.dumps(paths),),
        )
    ]


def is_pair_of_texts(path: str) -> bool:
    return path.startswith(f"{FOLDERS['generations']}/") and "/pair-" in path


def scores_of(path: str) -> str:
    return FOLDERS["scores"] + path.removeprefix(FOLDERS["generations"])


def register(connection: sqlite3.Connection, part: Part, replaces: list[str]) -> None:
    status = "live"
    if replaces:
        marks = ",".join("?" * len(replaces))
        taken = connection.execute(
            f"select count(*) from parts where path in ({marks}) and status <> 'live'", replaces
        ).fetchone()[0]
        # another merge of the same rows was first: this one would show them twice
        status = "replaced" if taken else "live"
        if status == "live":
            connection.executemany(
                "insert into parts values (?, ?, null, null, 0, 0, '', 'replaced', ?)"
                " on conflict do update set status = 'replaced', changed_at = excluded.changed_at",
                [(path, part.table, state_db.now()) for path in replaces],
            )
    connection.execute(
        "insert into parts values (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*part, status, state_db.now())
    )


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
