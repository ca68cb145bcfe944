"""Parts that writers have added are looked for and registered."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from data.store import OF_RUNS, files
from data.store.parts.contents import Described, described
from data.store.parts.names import FOLDERS, NAME, tables_together
from data.store.parts.registry import register, unregistered
from data.store.state_db import UnwritableState, commit, connect, copy_of, is_writable


def scan(root: Path, tables: Iterable[str], runs: tuple[str, ...] | None = None) -> Path | None:
    """Register the parts that writers have added. Any number of processes may do so at once.

    runs: of OF_RUNS look only for parts of these
    The private copy of state.db that has them where state.db cannot be written, else None.
    """
    with scanned(root, tables, runs) as (_, copy):
        return copy


@contextmanager
def scanned(
    root: Path, tables: Iterable[str], runs: tuple[str, ...] | None = None
) -> Iterator[tuple[sqlite3.Connection, Path | None]]:
    """A connection that has the parts which `scan` registers, for any thread, and the copy."""
    copy = None if is_writable(root) else copy_of(root)
    paths = _paths(root, tables, runs)
    facts: dict[str, Described] = {}
    while True:  # that scores are known may make their texts known
        with connect(root, path=copy, any_thread=True) as connection:
            new = unregistered(connection, paths)
            if not new:
                yield connection, copy
                return
        for path in new:
            try:
                facts[path] = facts.get(path) or described(root, path)
            except FileNotFoundError:  # another process has swept or deleted it since
                paths.remove(path)
        copy = _commit(root, copy, facts)


def _paths(root: Path, tables: Iterable[str], runs: tuple[str, ...] | None) -> list[str]:
    folders = []
    for table in tables_together(tables):
        if runs is None or table not in OF_RUNS:
            folders.append(FOLDERS[table])
        else:  # what cannot name a folder names no run
            names = (run for run in runs if NAME.fullmatch(run))
            folders += [f"{FOLDERS[table]}/run={run}" for run in names]
    return [path for folder in folders for path in files.parquet_files(root, folder)]


def _commit(root: Path, copy: Path | None, facts: dict[str, Described]) -> Path | None:
    """Register parts in state.db, or in a copy where it cannot be written; the copy."""
    try:
        with commit(root, copy) as connection:
            register(connection, root, facts)
    except UnwritableState:
        if copy is not None:
            raise
        return _commit(root, copy_of(root), facts)
    return copy
