"""Connections to state.db: one that reads, and one transaction that writes.

Where SQLite cannot open state.db, as on a read-only or full disk, what reads gets a private copy.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from data.store.files import StoreError
from data.store.state_db import private_copy
from data.store.state_db.private_copy import STATE_FILE
from data.store.state_db.tables import definitions

BUSY_SECONDS = 30.0  # how long a writer waits for another one

UNWRITABLE = (
    "A store must be writable. Change the folder's permissions, or name another with --store."
)
DAMAGED = (
    "Restore it from a backup. Moved away, it is made anew and finds every row again, but not "
    "the tags, subsets, jobs and saved views."
)
WRONG = {
    "SQLITE_FULL": "The disk is full and nothing was changed. Free some space, then try again.",
    "SQLITE_IOERR": "The disk is full, or broken. Free some space, then try again.",
    "SQLITE_BUSY": f"Another process wrote for {BUSY_SECONDS:.0f} s. Nothing changed; try again.",
    "SQLITE_READONLY": UNWRITABLE,
    "SQLITE_CANTOPEN": UNWRITABLE,
    "SQLITE_CORRUPT": DAMAGED,
    "SQLITE_NOTADB": DAMAGED,
}
CANNOT_WRITE = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN")


class UnwritableState(StoreError):
    """state.db cannot be written, or not even be opened, because its disk is full or read-only."""


def now() -> int:
    """Microseconds since 1970, UTC."""
    return time.time_ns() // 1000


@contextmanager
def connect(
    folder: Path, *, path: Path | None = None, any_thread: bool = False
) -> Iterator[sqlite3.Connection]:
    """A connection that reads, of its own for each use: cheap, and safe in any thread and fork.

    path:       of the private copy to read, where `commit` has written to one
    any_thread: it is used by one thread at a time, but not by the same
    """
    connection = _readable(folder, path, any_thread)
    with closing(connection), _explained(folder / STATE_FILE):
        yield connection


def _readable(folder: Path, path: Path | None, any_thread: bool) -> sqlite3.Connection:
    if path is None and is_writable(folder):
        try:
            return _open_whole(folder / STATE_FILE, any_thread)
        except UnwritableState:
            path = copy_of(folder)
    return _open(path or copy_of(folder), any_thread)


def is_writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK)


def copy_of(folder: Path) -> Path:
    """The private copy of state.db as it is now, with all tables of this version."""
    return private_copy.refreshed(folder, _make_tables)


def _open_whole(path: Path, any_thread: bool = False) -> sqlite3.Connection:
    """A connection to a state.db that has its tables, also if someone has moved it away."""
    connection = _open(path, any_thread)
    if connection.execute("select count(*) from sqlite_master").fetchone() == (0,):
        _make_tables(path)
    return connection


def _open(path: Path, any_thread: bool = False) -> sqlite3.Connection:
    """A connection that has read: WAL needs files beside state.db even to read it."""
    with _explained(path):
        connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=not any_thread
        )
        try:
            connection.execute("pragma synchronous = full")
            connection.execute("select count(*) from sqlite_master").fetchone()
        except sqlite3.DatabaseError:
            connection.close()
            raise
        return connection


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        kind = _kind(error)
        if kind not in WRONG:
            raise
        error_class = UnwritableState if kind in CANNOT_WRITE else StoreError
        raise error_class(f"{path}: {error}. {WRONG[kind]}") from error


def _kind(error: sqlite3.DatabaseError) -> str:
    """SQLITE_IOERR for SQLITE_IOERR_SHMSIZE, likewise; "" where it is Python's own."""
    code = getattr(error, "sqlite_errorname", "")  # absent where Python itself refuses
    return "_".join(code.split("_")[:2])


@contextmanager
def commit(folder: Path, path: Path | None = None) -> Iterator[sqlite3.Connection]:
    """One transaction, alone among writers; it bumps the generation, which the app caches by.

    path: of the private copy to write to, in place of state.db
    """
    path = path or folder / STATE_FILE
    with closing(_open_whole(path)) as connection, _explained(path):
        connection.execute("begin immediate")
        try:
            yield connection
            connection.execute("update meta set value = value + 1 where key = 'generation'")
        except BaseException:
            if connection.in_transaction:  # a full disk has ended it already
                connection.execute("rollback")
            raise
        connection.execute("commit")


def create(folder: Path) -> None:
    """Make the tables that are missing. Any number of processes may do so at once.

    Where state.db cannot be written, nothing is made: questions then read a private copy.
    """
    if not is_writable(folder):
        return
    try:
        _make_tables(folder / STATE_FILE)
    except UnwritableState:
        return


def _make_tables(path: Path) -> None:
    with closing(_open(path)) as connection, _explained(path):
        names = connection.execute("select name from sqlite_master").fetchall()
        if definitions().keys() <= {name for (name,) in names}:
            return  # without writing: the disk may be full
        first = "insert or ignore into meta values ('generation', 0)"
        statements = "; ".join([*definitions().values(), first])
        connection.execute("pragma journal_mode = wal")
        connection.executescript(f"begin immediate; {statements}; commit;")
