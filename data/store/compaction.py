"""Compaction: many small parts of a run become few, and what they replace is deleted later."""

import itertools
from collections.abc import Iterator

import polars as pl

from data.store import files, parts, state_db
from data.store.files import StoreError
from data.store.store import Store

MERGED_BYTES = 16 * 2**20  # a merged part is made in memory, and text takes several times that
GRACE_SECONDS = 3600  # how long a reader may still read a replaced part
ABANDONED_SECONDS = 24 * 3600  # the writer of a half-written file of this age is dead


def compact(store: Store, table: str, run: str | None) -> int:
    """Merge the live parts of a run into fewer; the number of parts that were replaced.

    No row changes, and readers of the old parts can finish. `run` is None only for the table
    `runs`, whose parts are one event each.
    """
    if (run is None) != (table == "runs"):
        raise StoreError(
            f"{table} of run {run!r}: only `runs` is merged over runs, and only whole. "
            f"Name a run for {table!r}, or None for 'runs'."
        )
    parts.scan(store.folder, [table])
    with state_db.connect(store.folder) as connection:
        live = parts.live(connection, table, None if run is None else (run,))
    replaced = 0
    for group in _groups(live, over_runs=run is None):
        _merge(store, table, group)
        replaced += len(group)
    sweep(store)
    return replaced


def _groups(live: list[parts.Part], over_runs: bool) -> Iterator[list[parts.Part]]:
    """Two or more parts of one run and stage that together stay under MERGED_BYTES."""
    for _, same in itertools.groupby(
        sorted(live, key=_position), key=lambda part: None if over_runs else _position(part)[:2]
    ):
        group: list[parts.Part] = []
        for part in same:
            if group and sum(p.size for p in group) + part.size > MERGED_BYTES:
                if len(group) > 1:
                    yield group
                group = []
            group.append(part)
        if len(group) > 1:
            yield group


def _position(part: parts.Part) -> tuple[str, str, str]:
    return part.run or "", part.stage or "", part.path


def _merge(store: Store, table: str, group: list[parts.Part]) -> None:
    """The rename is the commit: a scan marks the parts that the merged part names as replaced."""
    frames = [pl.read_parquet(store.folder / part.path) for part in group]
    rows = pl.concat(frames, how="diagonal")  # an older part may lack a newer column
    if table in parts.PAIR:
        rows = rows.sort("problem_id", "sample", "generation_id", maintain_order=True)
    one_run = len({(part.run, part.stage) for part in group}) == 1 and table != "runs"
    folder = parts.folder_of(table, *(group[0].run, group[0].stage) if one_run else (None, None))
    content = parts.content(table, rows, replaces=[part.path for part in group])
    with files.explained(store.folder):
        files.write(store.folder, [(f"{folder}/{files.new_name('merged')}", content)])
    parts.scan(store.folder, [table])


def live_parts(store: Store, table: str) -> int:
    parts.scan(store.folder, [table])
    with state_db.connect(store.folder) as connection:
        return len(parts.live(connection, table))


def sweep(store: Store) -> None:
    """Delete replaced parts after GRACE_SECONDS, and half-written files of killed writers."""
    with state_db.connect(store.folder) as connection:
        over = connection.execute(
            "select path from parts where status = 'replaced' and changed_at < ?",
            (state_db.now() - GRACE_SECONDS * 1_000_000,),
        ).fetchall()
    for (path,) in over:
        files.remove(store.folder, path)
    for path in files.staged_before(store.folder, ABANDONED_SECONDS):
        files.remove(store.folder, path)
