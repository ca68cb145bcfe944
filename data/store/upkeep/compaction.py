"""Compaction: many small parts of a run become few, and what they replace is deleted later."""

import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import polars as pl

from data.store import TABLES, Store, files, parts
from data.store.files import StoreError
from data.store.state_db import commit, connect, now

MERGED_BYTES = 16 * 2**20  # of a merged part, on the disk
MERGED_IN_MEMORY = 256 * 2**20  # likewise, unpacked: texts that loop pack a thousand to one
GRACE_SECONDS = 3600  # how long a reader may still read a replaced part
ABANDONED_SECONDS = 24 * 3600  # the writer of a half-written file of this age is dead
FORGOTTEN_SECONDS = 30 * 24 * 3600  # no merge that began before a part was swept still runs
UPKEEP = "upkeep"  # lock: one process at a time merges, sweeps, deletes and restores


class Weighed(NamedTuple):
    """A part that may be merged, and what it is worth in memory [bytes]."""

    part: parts.Part
    unpacked: int
    holds: list[str]


def compact(store: Store, table: str, run: str | None) -> int:
    """Merge the live parts of a run into fewer; the number of parts that were replaced.

    No row changes, and readers of the old parts can finish; a score that was stored twice is there
    once afterwards. `run` is None only for the table `runs`, whose parts are one event each.
    """
    if (run is None) != (table == "runs"):
        raise StoreError(
            f"{table} of run {run!r}: only `runs` is merged over runs, and only whole. "
            f"Name a run for {table!r}, or None for 'runs'."
        )
    with files.exclusive(store.folder, UPKEEP):
        replaced = _compact(store, [table], run)
        sweep(store)
    return replaced


def compact_run(store: Store, run: str) -> int:
    """Merge the parts of `run` in every table; the number of parts that were replaced."""
    with files.exclusive(store.folder, UPKEEP):
        replaced = _compact(store, TABLES.keys() - {"runs"}, run)
        sweep(store)
    return replaced


def compact_all(store: Store) -> dict[str, int]:
    """Merge the parts of every run, whatever became of it, and the events of all runs; counts."""
    before = live_parts(store, *TABLES)
    with connect(store.folder) as connection:
        crowded = connection.execute(
            "select distinct run from parts where status = 'live' and table_name <> 'runs'"
            " group by table_name, run, stage having count(*) > 1 order by run"
        ).fetchall()
    replaced = sum(compact_run(store, run) for (run,) in crowded)
    replaced += compact(store, "runs", None)
    for folder in parts.FOLDERS.values():
        files.remove_empty_folders(store.folder, folder)
    return {"replaced": replaced, "parts_before": before, "parts": live_parts(store, *TABLES)}


def _compact(store: Store, tables: Iterable[str], run: str | None) -> int:
    runs = None if run is None else (run,)
    parts.scan(store.folder, tables, runs)
    with connect(store.folder) as connection:
        live = {table: parts.live(connection, table, runs) for table in tables}
    replaced = 0
    for table, of_table in live.items():
        of_run = [part for part in of_table if run is None or part.run == run]
        for group in _groups(store, of_run, over_runs=run is None):
            _merge(store, table, group)
            replaced += len(group)
    return replaced


def _groups(store: Store, live: list[parts.Part], over_runs: bool) -> Iterator[list[Weighed]]:
    """Two or more parts of one run and stage that together stay under both bounds."""
    for _, same in itertools.groupby(
        sorted(live, key=_position), key=lambda part: None if over_runs else _position(part)[:2]
    ):
        of_stage = list(same)
        if len(of_stage) == 1:
            continue
        group: list[Weighed] = []
        for weighed in (_weighed(store, part) for part in of_stage):
            if group and not _fit([*group, weighed]):
                if len(group) > 1:
                    yield group
                group = []
            group.append(weighed)
        if len(group) > 1:
            yield group


def _position(part: parts.Part) -> tuple[str, str, str]:
    return part.run or "", part.stage or "", part.path


def _fit(group: list[Weighed]) -> bool:
    return (
        sum(weighed.part.size for weighed in group) <= MERGED_BYTES
        and sum(weighed.unpacked for weighed in group) <= MERGED_IN_MEMORY
    )


def _weighed(store: Store, part: parts.Part) -> Weighed:
    with _explained(store, part):
        metadata = parts.footer(store.folder, part.path)
        holds = parts.described(store.folder, part.path).holds
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    unpacked = sum(
        group.column(number).total_uncompressed_size
        for group in groups
        for number in range(group.num_columns)
    )
    return Weighed(part, unpacked, [*holds, *([part.path] * parts.may_come_again(part.path))])


def _merge(store: Store, table: str, group: list[Weighed]) -> None:
    """The rename is the commit: a scan marks the parts that the merged part names as replaced."""
    members = [weighed.part for weighed in group]
    frames = [_rows_of(store, part) for part in members]
    rows = pl.concat(frames, how="diagonal")  # an older part may lack a newer column
    if table == "scores":  # two commands that graded one run at once may have stored one twice
        rows = rows.unique(maintain_order=True)
    if table in parts.PAIR:
        rows = rows.sort("problem_id", "sample", "generation_id", maintain_order=True)
    one_run = len({(part.run, part.stage) for part in members}) == 1 and table != "runs"
    run, stage = (members[0].run, members[0].stage) if one_run else (None, None)
    content = parts.content(
        table,
        rows,
        replaces=[part.path for part in members],
        holds={path for weighed in group for path in weighed.holds},
    )
    with files.explained(store.folder):
        path = f"{parts.folder_of(table, run, stage)}/{files.new_name('merged')}"
        files.write(store.folder, [(path, content)])
    parts.scan(store.folder, [table], None if run is None else (run,))


def _rows_of(store: Store, part: parts.Part) -> pl.DataFrame:
    with _explained(store, part):
        # opened, not named: polars takes some characters of a path for patterns
        return pl.read_parquet((store.folder / part.path).read_bytes())


@contextmanager
def _explained(store: Store, part: parts.Part) -> Iterator[None]:
    """A part that is gone, or whose bytes are damaged, becomes a `StoreError`."""
    try:
        with files.explained(store.folder / part.path):
            yield
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise StoreError(
            f"{store.folder / part.path} cannot be read, so it is not merged: {error}. Restore it"
            " from a backup, or go on without its rows: thinkbench store repair"
        ) from error


def live_parts(store: Store, *tables: str, run: str | None = None) -> int:
    """The parts that questions read; of `run` those that it alone wrote."""
    runs = None if run is None else (run,)
    parts.scan(store.folder, tables, runs)
    with connect(store.folder) as connection:
        live = [part for table in tables for part in parts.live(connection, table, runs)]
    return sum(run is None or part.run == run for part in live)


def sweep(store: Store) -> None:
    """Delete replaced parts after GRACE_SECONDS, and half-written files of killed writers.

    What was swept is looked at no more. Its path stays in state.db for FORGOTTEN_SECONDS, so that
    a merge that comes late is known to be the second one.
    """
    moment = now()
    with connect(store.folder) as connection:
        replaced = _older_than(connection, "replaced", moment - GRACE_SECONDS * 1_000_000)
        swept = _older_than(connection, "swept", moment - FORGOTTEN_SECONDS * 1_000_000)
    for path in [*replaced, *swept]:  # a writer may have written what was swept once more
        files.remove(store.folder, path)
    if replaced or swept:
        with commit(store.folder) as connection:
            connection.executemany(
                "update parts set status = 'swept', changed_at = ? where path = ?",
                [(moment, path) for path in replaced],
            )
            connection.executemany("delete from parts where path = ?", [(path,) for path in swept])
    for path in files.staged_before(store.folder, ABANDONED_SECONDS):
        files.remove_staged(store.folder, path)


def _older_than(connection: Any, status: str, moment: int) -> list[str]:
    query = "select path from parts where status = ? and changed_at < ?"
    return [path for (path,) in connection.execute(query, (status, moment))]
