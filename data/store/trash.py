"""Trash: the parts of deleted runs, parts whose files are gone, and the health of a store."""

from typing import Any

from data.store import compaction, files, parts, state_db
from data.store.schema import TABLES
from data.store.store import Store

CROWDED = 200  # live parts of a table at which questions become slow


def set_aside(store: Store, run: str) -> int:
    """Move the parts of `run` to .trash; their number. Parts merged over several runs stay."""
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
    """Mark parts whose files are gone as missing, so that questions skip them; their paths."""
    gone = missing(store)
    with state_db.commit(store.folder) as connection:
        _mark(connection, gone, "missing")
    return gone


def health(store: Store) -> dict[str, Any]:
    """Numbers: the size of the store, and four that are 0 unless something needs attention."""
    parts.scan(store.folder, TABLES)
    with state_db.connect(store.folder) as connection:
        live = {table: parts.live(connection, table) for table in TABLES}
        trashed = connection.execute("select count(*) from parts where status = 'trashed'")
        trashed = trashed.fetchone()[0]
    live_parts = [part for of_table in live.values() for part in of_table]
    return {
        "parts": len(live_parts),
        "rows": sum(part.rows for part in live_parts),
        "bytes": sum(part.size for part in live_parts),
        "parts_in_trash": trashed,
        "crowded_tables": sum(len(of_table) >= CROWDED for of_table in live.values()),
        "missing_parts": len(missing(store)),
        "half_written": len(files.staged_before(store.folder, compaction.ABANDONED_SECONDS)),
    }
