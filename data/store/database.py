"""DuckDB as it answers questions about stores: one database of the process, and its cursors.

The database itself holds no rows of a store: a cursor's views name the parts that a question reads.
To start a database takes 30 ms, and to make the views of a question longer than to answer it: so a
cursor goes from one question to the next, and makes only those views that read other parts by now.
"""

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import duckdb
import polars as pl

from data.store.schema import TABLES, sql_type
from data.store.state_db import ANNOTATIONS, columns_of

IDLE = 8  # cursors that wait for a question; more are closed


@dataclass
class Cursor:
    """A connection of its own to the database, used by one thread at a time.

    views:  name -> the query of the view of that name
    frames: the names of DataFrames that it reads like tables
    """

    connection: duckdb.DuckDBPyConnection
    views: dict[str, str] = field(default_factory=dict)
    frames: set[str] = field(default_factory=set)

    def view(self, name: str, query: str) -> None:
        """Have a view of this name and query."""
        if self.views.get(name) == query:
            return
        self.views[name] = ""
        self.connection.execute(f"create or replace temp view {name} as {query}")
        self.views[name] = query

    def frame(self, name: str, rows: pl.DataFrame) -> None:
        """Have these rows as a table of this name."""
        if self.views.pop(name, None) is not None:
            self.connection.execute(f"drop view {name}")
        self.connection.unregister(name)  # nothing, where none has that name
        self.frames.add(name)
        self.connection.register(name, rows)

    def forget(self) -> None:
        """Make every view anew when it is needed."""
        self.views = dict.fromkeys(self.views, "")


@dataclass
class Pool:
    """The cursors that wait for a question, the one that was used last at the end."""

    idle: list[Cursor] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


POOL = Pool()
STARTING = threading.Lock()  # of the database, so that two threads start one


def borrow() -> Cursor:
    """A cursor, for one thread at a time; give it back, or close its connection after an error."""
    with POOL.lock:
        if POOL.idle:
            return POOL.idle.pop()
    return Cursor(database().cursor())


def give_back(cursor: Cursor) -> None:
    for name in cursor.frames:
        cursor.connection.unregister(name)
    cursor.frames.clear()
    with POOL.lock:
        if len(POOL.idle) < IDLE:
            POOL.idle.append(cursor)
            return
    cursor.connection.close()


def database() -> duckdb.DuckDBPyConnection:
    """The database of this process: an empty table for each that a question may name, no rows."""
    with STARTING:
        return _started()


@cache
def _started() -> duckdb.DuckDBPyConnection:
    return new_database()


def new_database() -> duckdb.DuckDBPyConnection:
    """A database with an empty table for each that a question may name."""
    connection = duckdb.connect()
    connection.execute("set global autoinstall_known_extensions = false")  # none is downloaded
    connection.execute("set global TimeZone = 'UTC'")
    # a part never changes, so its footer is read once
    connection.execute("set global parquet_metadata_cache = true")
    connection.execute("create schema empty")
    for table, columns in (TABLES | {name: columns_of(name) for name in ANNOTATIONS}).items():
        listed = ", ".join(f'"{name}" {sql_type(kind)}' for name, kind in columns.items())
        connection.execute(f"create table empty.{table} ({listed})")
    return connection


def spill_to(folder: Path) -> None:
    """Have what does not fit into memory written to `folder`.

    The default is .tmp in the folder where the command was started. A database that has written to
    one folder stays with it.
    """
    with suppress(duckdb.NotImplementedException):  # it has
        database().execute("set global temp_directory = $folder", {"folder": str(folder)})
