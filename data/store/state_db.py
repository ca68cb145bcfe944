"""What people change, in SQLite: tags as events, versions of subsets, saved views."""

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from data.errors import UserError
from data.store.files import StoreError
from data.store.schema import TIME
from data.store.state_schema import SCHEMA, VIEWS

if TYPE_CHECKING:
    from data.store.store import Store

STATE_FILE = "state.db"
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


class BadEntry(UserError):
    """A tag, a ruling, a subset or a view that cannot be kept as it was given."""


def now() -> int:
    """Microseconds since 1970, UTC."""
    return time.time_ns() // 1000


@contextmanager
def connect(folder: Path) -> Iterator[sqlite3.Connection]:
    """A connection of its own for each use: cheap, and safe in any thread and after a fork."""
    path = folder / STATE_FILE
    try:
        with closing(
            sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        ) as connection:
            connection.execute("pragma synchronous = full")
            yield connection
    except sqlite3.DatabaseError as error:
        what_to_do = WRONG.get(_kind(error))
        if what_to_do is None:
            raise
        raise StoreError(f"{path}: {error}. {what_to_do}") from error


def _kind(error: sqlite3.DatabaseError) -> str:
    """SQLITE_IOERR for SQLITE_IOERR_SHMSIZE, likewise; "" where it is Python's own."""
    code = getattr(error, "sqlite_errorname", "")  # absent where Python itself refuses
    return "_".join(code.split("_")[:2])


@contextmanager
def commit(folder: Path) -> Iterator[sqlite3.Connection]:
    """One transaction, alone among writers; it bumps the generation, which the app caches by."""
    with connect(folder) as connection:
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
    """Make the tables that are missing. Any number of processes may do so at once."""
    with connect(folder) as connection:
        connection.execute("pragma journal_mode = wal")
        connection.executescript(f"begin immediate; {SCHEMA} commit;")


def generation(folder: Path) -> int:
    with connect(folder) as connection:
        return connection.execute("select value from meta where key = 'generation'").fetchone()[0]


def frame(connection: sqlite3.Connection, view: str) -> pl.DataFrame:
    """The rows of `view` with the types of its columns, also where there are none."""
    query, columns = VIEWS[view]
    stored = {
        name: pl.Int64 if dtype == TIME else pl.String if isinstance(dtype, pl.List) else dtype
        for name, dtype in columns.items()
    }
    rows = pl.DataFrame(connection.execute(query).fetchall(), schema=stored, orient="row")
    return rows.with_columns(
        pl.col(name).cast(TIME) if dtype == TIME else pl.col(name).str.json_decode(dtype)
        for name, dtype in columns.items()
        if dtype == TIME or isinstance(dtype, pl.List)
    )


def tag(store: "Store", target_kind: str, target_id: str, tag: str, author: str) -> None:
    """Say `tag` of a record or generation. Saying it again is one more event, not one more tag."""
    tag_all(store, target_kind, [target_id], tag, author)


def untag(store: "Store", target_kind: str, target_id: str, tag: str, author: str) -> None:
    """Take `tag` back, whoever said it. The history stays."""
    untag_all(store, target_kind, [target_id], tag, author)


def tag_all(store: "Store", kind: str, ids: Sequence[str], tag: str, author: str) -> None:
    """`tag` for many, all or none."""
    _tag_events(store, kind, ids, tag, "added", author)


def untag_all(store: "Store", kind: str, ids: Sequence[str], tag: str, author: str) -> None:
    """`untag` for many, all or none."""
    _tag_events(store, kind, ids, tag, "removed", author)


def _tag_events(
    store: "Store", kind: str, ids: Sequence[str], tag: str, event: str, author: str
) -> None:
    if not tag.strip():
        raise BadEntry("a tag is empty; expected a word or a few. Type one, then save again.")
    at = now()
    with commit(store.folder) as connection:
        connection.executemany(
            "insert into tag_events (target_kind, target_id, tag, event, author, at)"
            " values (?, ?, ?, ?, ?, ?)",
            ((kind, id, tag.strip(), event, author, at) for id in ids),
        )


def rule(store: "Store", record_id: str, ruling: str, reason: str, author: str) -> None:
    """Write down that `author` has quarantined or released a record, and why."""
    _said(reason=reason, author=author)
    with commit(store.folder) as connection:
        connection.execute(
            "insert into ruling_events (record_id, ruling, reason, author, at)"
            " values (?, ?, ?, ?, ?)",
            (record_id, ruling, reason.strip(), author.strip(), now()),
        )


def override(
    store: "Store", generation_id: str, grader: str, verdict: str, reason: str, author: str
) -> None:
    """Write down that `author` has another verdict than `grader`, and why."""
    _said(reason=reason, author=author)
    with commit(store.folder) as connection:
        connection.execute(
            "insert into override_events (generation_id, grader, verdict, reason, author, at)"
            " values (?, ?, ?, ?, ?, ?)",
            (generation_id, grader, verdict, reason.strip(), author.strip(), now()),
        )


def _said(**texts: str) -> None:
    for name, text in texts.items():
        if not text.strip():
            raise BadEntry(f"the {name} is empty; expected a few words. Say it, then try again.")


def save_subset(
    store: "Store",
    name: str,
    filter: str,
    ids: Sequence[str],
    parent: str | None = None,
    author: str | None = None,
) -> int:
    """The version under which `ids` are kept, sorted and once each.

    Saving what the newest version already holds, by the same filter, gives that version again.
    filter: how the ids were chosen, as text that can be read and run again
    parent: the subset that these were chosen from, as name@version
    """
    if not name.strip():
        raise BadEntry("the subset has no name; expected a few letters. Name it, then save again.")
    chosen = sorted(set(ids))
    if not chosen:
        raise BadEntry(f"subset {name!r} holds no ids; expected one or more. Widen its filter.")
    content = hashlib.sha256("\n".join(chosen).encode()).hexdigest()
    with commit(store.folder) as connection:
        newest = connection.execute(
            "select version, hash, filter from subsets where name = ?"
            " order by version desc limit 1",
            (name,),
        ).fetchone()
        if newest and newest[1:] == (content, filter):
            return newest[0]
        version = newest[0] + 1 if newest else 1
        connection.execute(
            "insert into subsets values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                name,
                version,
                filter,
                json.dumps(chosen),
                len(chosen),
                content,
                parent,
                author,
                now(),
            ),
        )
        return version


def save_view(store: "Store", name: str, page: str, query: str, author: str | None = None) -> None:
    """Keep the filters of a page under a name; an older view of that name is replaced.

    That of another person is not: whoever opens it by its name must find what was saved there.
    """
    with commit(store.folder) as connection:
        found = connection.execute(
            "select author from saved_views where name = ?", (name,)
        ).fetchone()
        if found and found[0] not in (None, author):
            raise BadEntry(
                f"a view named {name!r} is kept already, by {found[0]}; expected another name."
                " Choose one, or delete that view first."
            )
        connection.execute(
            "insert or replace into saved_views values (?, ?, ?, ?, ?)",
            (name, page, query, author, now()),
        )


def delete_view(store: "Store", name: str) -> None:
    with commit(store.folder) as connection:
        connection.execute("delete from saved_views where name = ?", (name,))
