"""Versions: what a cached answer is keyed by, so that only what it has read makes it old."""

from data.store import parts, state_db
from data.store.schema import TABLES
from data.store.state_schema import VIEWS
from data.store.store import Store

# what grows with every change of a view of data/store/state_schema.py
GROWS = {
    "tags": "select count(*), max(id) from tag_events",
    "overrides": "select count(*), max(id) from override_events",
    "rulings": "select count(*), max(id) from ruling_events",
    "subsets": "select count(*), max(at) from subsets",
    "saved_views": "select count(*), max(at) from saved_views",
}


def version(store: Store, *names: str) -> tuple[tuple[str, int, int], ...]:
    """A value that changes whenever one of these tables or views does, and at no other time.

    names: tables of data/store/schema.py, or views of GROWS
    """
    if unknown := set(names) - TABLES.keys() - GROWS.keys():
        raise ValueError(
            f"{', '.join(sorted(unknown))} has no version; expected tables of"
            " data/store/schema.py or"
            f" one of {', '.join(GROWS)}{' (jobs change without a trace)' * ('jobs' in VIEWS)}."
        )
    tables = [name for name in names if name in TABLES]
    parts.scan(store.folder, tables)
    found = []
    with state_db.connect(store.folder) as connection:
        for name in names:
            query, values = GROWS.get(name), ()
            if query is None:
                query = "select count(*), max(changed_at) from parts where table_name = ?"
                values = (name,)
            n, newest = connection.execute(query, values).fetchone()
            found.append((name, n, newest or 0))
    return tuple(found)


def parts_by_run(store: Store, *tables: str) -> dict[str, tuple[str, ...]]:
    """Run -> the live parts of these tables that it has, by path."""
    parts.scan(store.folder, tables)
    found: dict[str, list[str]] = {}
    with state_db.connect(store.folder) as connection:
        connection.execute("begin")  # one moment for all tables
        for table in tables:
            for part in parts.live(connection, table):
                found.setdefault(part.run or "", []).append(part.path)
    return {run: tuple(paths) for run, paths in found.items()}
