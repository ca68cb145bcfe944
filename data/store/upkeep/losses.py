"""The health of a store, and its repair: questions go on without what is lost for good."""

from typing import Any

from data.store import TABLES, Store, files, parts
from data.store.files import StoreError
from data.store.state_db import commit, connect, now
from data.store.upkeep import compaction, trash

CROWDED = 200  # live parts of a table at which questions become slow


def health(store: Store) -> dict[str, Any]:
    """Numbers: the size of the store, and five that are 0 unless something needs attention."""
    copy = parts.scan(store.folder, TABLES)
    with connect(store.folder, path=copy) as connection:
        live = {table: parts.live(connection, table) for table in TABLES}
    live_parts = [part for of_table in live.values() for part in of_table]
    return {
        "parts": len(live_parts),
        "rows": sum(part.rows for part in live_parts),
        "bytes": sum(part.size for part in live_parts),
        "parts_in_trash": trash.size(store),
        "crowded_tables": sum(len(of_table) >= CROWDED for of_table in live.values()),
        "missing_parts": sum(not files.exists(store.folder, part.path) for part in live_parts),
        "foreign_files": len(foreign_files(store)),
        "half_written": len(files.staged_before(store.folder, compaction.ABANDONED_SECONDS)),
    }


def missing(store: Store) -> list[str]:
    """Paths of live parts whose files are gone. A question that needs one of them is refused."""
    with connect(store.folder) as connection:
        live = [part for table in TABLES for part in parts.live(connection, table)]
    return [part.path for part in live if not files.exists(store.folder, part.path)]


def foreign_files(store: Store) -> list[str]:
    """Paths of Parquet files in the folders of tables that are no parts; no question reads them."""
    return [
        path
        for folder in parts.FOLDERS.values()
        for path in files.foreign_files(store.folder, folder)
    ]


def repair(store: Store) -> dict[str, Any]:
    """Let questions go on without parts that are gone or damaged; paths of what was found.

    missing: their files are gone. A file that is put back later counts again.
    damaged: moved to the trash
    replaced: damaged too, but a merged part has their rows, so nothing is lost
    foreign: left as they are
    """
    trash.settle(store)
    with files.exclusive(store.folder, compaction.UPKEEP):
        damaged = _set_damaged_aside(store)
        parts.scan(store.folder, TABLES)
        gone = missing(store)
        with commit(store.folder) as connection:
            for path in gone:
                connection.execute(
                    "update parts set status = 'missing', changed_at = ? where path = ?",
                    (now(), path),
                )
            parts.touch(connection, TABLES)
        compaction.sweep(store)
        replaced = _replaced(store, damaged)
    return {
        "missing": [path for path in gone if path not in damaged],
        "damaged": [path for path in damaged if path not in replaced],
        "replaced": replaced,
        "foreign": foreign_files(store),
    }


def _replaced(store: Store, paths: list[str]) -> list[str]:
    """Those of `paths` whose rows a merged part has."""
    query = "select count(*) from parts where path = ? and status in ('replaced', 'swept')"
    with connect(store.folder) as connection:
        return [path for path in paths if connection.execute(query, (path,)).fetchone()[0]]


def are_there(store: Store, paths: list[str]) -> bool:
    """Whether each of these parts is there again, and questions read it or a merge of it."""
    parts.scan(store.folder, TABLES)
    query = "select count(*) from parts where path = ? and status in ('live', 'replaced', 'swept')"
    with connect(store.folder) as connection:
        return all(connection.execute(query, (path,)).fetchone()[0] for path in paths)


def _set_damaged_aside(store: Store) -> list[str]:
    """Move the parts that cannot be read to the trash; the paths that they had."""
    folder = f"{files.TRASH}/{files.DAMAGED}{now():020d}"
    damaged = []
    for table_folder in parts.FOLDERS.values():
        for path in files.parquet_files(store.folder, table_folder):
            try:
                parts.described(store.folder, path)
            except StoreError:
                files.move(store.folder, path, f"{folder}/{path}")
                damaged.append(path)
    return damaged
