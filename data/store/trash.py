"""Trash and health: runs that are deleted and restored, parts that are gone, numbers of both."""

from typing import Any

from data.store import files, parts, state_db
from data.store.compaction import ABANDONED_SECONDS
from data.store.schema import TABLES
from data.store.store import Store

CROWDED = 200  # live parts of a table at which questions become slow


def set_aside(store: Store, run: str) -> int:
    """Move the parts of `run` to .trash; their number. What was merged over runs stays."""
    parts.scan(store.folder, TABLES)
    with state_db.commit(store.folder) as connection:
        paths = _paths(connection, run, "live")
        _mark(connection, paths, "trashed")
    for path in paths:
        files.move(store.folder, path, f"{files.TRASH}/{path}")
    return len(paths)


def bring_back(store: Store, run: str) -> int:
    """Undo `set_aside`."""
    with state_db.connect(store.folder) as connection:
        paths = _paths(connection, run, "trashed")
    for path in paths:
        if not files.exists(store.folder, path):
            files.move(store.folder, f"{files.TRASH}/{path}", path)
    with state_db.commit(store.folder) as connection:
        _mark(connection, paths, "live")
    return len(paths)


def _paths(connection: Any, run: str, status: str) -> list[str]:
    query = (
        "select path from parts where run = ? and status = ? and table_name <> 'runs' order by path"
    )
    return [path for (path,) in connection.execute(query, (run, status))]


def _mark(connection: Any, paths: list[str], status: str) -> None:
    connection.executemany(
        "update parts set status = ?, changed_at = ? where path = ?",
        [(status, state_db.now(), path) for path in paths],
    )


def missing(store: Store) -> list[str]:
    """Paths of live parts whose files are gone. A question that needs one of them is refused."""
    with state_db.connect(store.folder) as connection:
        live = [part for table in TABLES for part in parts.live(connection, table)]
    return [part.path for part in live if not files.exists(store.folder, part.path)]


def forget_missing(store: Store) -> list[str]:
    """Go on without the rows of parts whose files are gone; the paths of those parts."""
    gone = missing(store)
    with state_db.commit(store.folder) as connection:
        _mark(connection, gone, "missing")
    return gone


def health(store: Store) -> dict[str, Any]:
    """Numbers: how large the store is, and four that are 0 while nobody needs to look at it."""
    parts.scan(store.folder, TABLES)
    with state_db.connect(store.folder) as connection:
        live = {table: parts.live(connection, table) for table in TABLES}
        trashed = connection.execute("select count(*) from parts where status = 'trashed'")
        trashed = trashed.fetchone()[0]
    every = [part for found in live.values() for part in found]
    return {
        "parts": len(every),
        "rows": sum(part.rows for part in every),
        "bytes": sum(part.bytes for part in every),
        "parts_in_trash": trashed,
        "crowded_tables": sum(len(found) >= CROWDED for found in live.values()),
        "missing_parts": len(missing(store)),
        "half_written": len(files.staged_before(store.folder, ABANDONED_SECONDS)),
    }
