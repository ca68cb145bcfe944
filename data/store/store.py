"""The store: a folder of immutable Parquet parts that any number of processes write and read."""

import json
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import polars as pl

from data.store import files, parts
from data.store.database import spill_to
from data.store.files import StoreError
from data.store.schema import FORMAT_VERSION, TABLES, shaped
from data.store.snapshots import PartsGone, Snapshot, answer, tables_of, taken
from data.store.state_db import STATE_FILE, create, is_writable

MARK = "STORE.json"
CACHE = "cache"
RETRIES = 2  # of a question whose parts are gone
# a query whose result changes with every change of the table; jobs have none
GROWS = {
    "tags": "select count(*), max(id) from tag_events",
    "overrides": "select count(*), max(id) from override_events",
    "rulings": "select count(*), max(id) from ruling_events",
    "labels": "select count(*), max(id) from label_events",
    "rubrics": "select count(*), max(id) from rubric_events",
    "run_notes": "select count(*), max(id) from run_note_events",
    "subsets": "select count(*), max(at) from subsets",
    "saved_views": "select count(*), sum(at) from saved_views",
}


@dataclass(frozen=True)
class Store:
    """A store's folder, and which rows of it questions read."""

    folder: Path
    store_id: str
    runs: tuple[str, ...] | None = None  # read the parts of these runs only; None: of all
    stages: tuple[str, ...] | None = None
    snapshot: Snapshot | None = field(
        default=None, repr=False, compare=False
    )  # the one to query; None: the live store


def open_store(folder: Path) -> Store:
    """The store in `folder`. It is created if the folder is missing or empty.

    A store that cannot be written, as on a read-only or a full disk, can be read.
    """
    folder = Path(folder)
    with files.explained(folder):
        if not (folder / MARK).exists():
            _create(folder)
        mark = _mark(folder)
        if is_writable(folder):
            for name in (files.STAGING, files.TRASH):  # a copy of a store may lack empty folders
                files.make_folder(folder / name)
    if mark["format_version"] > FORMAT_VERSION:
        raise StoreError(
            f"{folder} has format {mark['format_version']}; this thinkbench reads up to format "
            f"{FORMAT_VERSION}. Upgrade thinkbench, or name another folder with --store."
        )
    with files.explained(folder):
        create(folder)
    spill_to(files.plain(folder) / CACHE if is_writable(folder) else Path(gettempdir()))
    return Store(folder, mark["store_id"])


def _mark(folder: Path) -> dict[str, Any]:
    text = (folder / MARK).read_text(encoding="utf-8", errors="replace")
    try:
        mark = json.loads(text)
        return {"format_version": int(mark["format_version"]), "store_id": str(mark["store_id"])}
    except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise StoreError(
            f"{folder / MARK} holds {text[:80]!r}; expected a format_version and a store_id. "
            "Restore it from a backup, or name another folder with --store."
        ) from error


def _create(folder: Path) -> None:
    files.make_folder(folder)
    # another process may be creating this store, and SQLite's temporary files come and go
    foreign = {
        entry.name for entry in folder.iterdir() if not entry.name.startswith(STATE_FILE)
    } - {files.STAGING, files.TRASH, files.LOCKS, MARK}
    if foreign:
        raise StoreError(
            f"{folder} is no store: it has no {MARK} but holds {', '.join(sorted(foreign)[:3])}. "
            "Name an empty or a new folder with --store."
        )
    files.make_folder(folder / files.STAGING)
    files.make_folder(folder / files.TRASH)
    mark = {"format_version": FORMAT_VERSION, "store_id": secrets.token_hex(8)}
    files.create(folder, MARK, json.dumps(mark).encode())


def within(
    store: Store, runs: Sequence[str] | None = None, stages: Sequence[str] | None = None
) -> Store:
    """The same store, whose questions read of OF_RUNS only the rows of these runs and stages.

    Other tables, as problems and records, are read whole.
    """
    return replace(
        store,
        runs=None if runs is None else tuple(runs),
        stages=None if stages is None else tuple(stages),
    )


def add(
    store: Store,
    table: str,
    rows: pl.DataFrame,
    *,
    run: str,
    stage: str | None = None,
    once: str | None = None,
    position: int = 0,
) -> str:
    """Add `rows` as one part, atomically. The path of the part in the store; "" for no rows.

    once:     a hash of what the rows are. If several processes add the same rows of a run, or one
              is interrupted and adds them again, the store keeps one part.
    position: of that part among those of its run; merged parts keep this order
    """
    _require_writable(store)
    if table == "generations":
        raise StoreError("generations come with their scores. Call add_generations instead.")
    rows = shaped(table, rows, run, stage)
    if rows.is_empty():
        return ""
    name = files.new_name("part") if once is None else files.fixed_name("part", once, position)
    path = f"{parts.folder_of(table, run, stage)}/{name}"
    with files.explained(store.folder):
        files.write(store.folder, [(path, parts.content(table, rows))])
    return path


def _require_writable(store: Store) -> None:
    """A snapshot would not show what is written through it, so writing is refused."""
    assert store.snapshot is None, "a snapshot is read only: write to the store it was taken of"


def add_generations(
    store: Store,
    generations: pl.DataFrame,
    scores: pl.DataFrame,
    *,
    run: str,
    stage: str,
    once: str | None = None,
) -> None:
    """Add texts and their scores atomically, sorted by problem and sample. once: as in `add`."""
    _require_writable(store)
    order = ["problem_id", "sample", "generation_id"]
    generations = shaped("generations", generations, run, stage).sort(order)
    scores = shaped("scores", scores, run, stage).sort(order)
    texts, scored = generations["generation_id"], scores["generation_id"]
    if not texts.equals(scored):
        raise StoreError(
            f"{len(texts)} generations and {len(scored)} scores do not match; expected one score "
            "of each generation. Score all of them with one grader; add others with `grade`."
        )
    if generations.is_empty():
        return
    name = files.new_name("pair") if once is None else files.fixed_name("pair", once)
    if files.exists(store.folder, f"{parts.folder_of('scores', run, stage)}/{name}"):
        return  # the whole pair is there: the scores are written last
    with files.explained(store.folder):
        files.write(
            store.folder,
            [  # the scores last: they make the pair visible
                (f"{parts.folder_of(table, run, stage)}/{name}", parts.content(table, rows))
                for table, rows in (("generations", generations), ("scores", scores))
            ],
        )


@contextmanager
def snapshot(store: Store) -> Iterator[Store]:
    """The same store as it is now: all questions to it see the same rows, until the block ends.

    For what only reads, as a page or a report. Nothing can be written through it.
    """
    if store.snapshot is not None:
        yield store
        return
    with taken(store.folder, TABLES) as moment:
        yield replace(store, snapshot=moment)


def unfrozen(store: Store) -> Store:
    """The store that `store` is a snapshot of; else `store`."""
    return replace(store, snapshot=None)


def ask(store: Store, query: str, **params: Any) -> pl.DataFrame:
    """The rows of one SQL statement, over all that was added before the call.

    It may name the tables of data/store/schema.py (run events as `run_events`, the rollouts of all
    tries as `sampled_rollouts`), what people wrote as ANNOTATIONS of data/store/state_db/, and the
    views of data/store/views.py.
    """
    if store.snapshot is not None:
        return answer(store.snapshot, query, params, store.runs, store.stages)
    for _ in range(RETRIES):
        with suppress(PartsGone):  # they were merged and swept meanwhile: look again
            return _ask(store, query, params)
    return _ask(store, query, params)


def _ask(store: Store, query: str, params: dict[str, Any]) -> pl.DataFrame:
    with taken(store.folder, tables_of(query), store.runs) as moment:
        return answer(moment, query, params, store.runs, store.stages)


@contextmanager
def reading(store: Store, tables: Iterable[str] = ()) -> Iterator[sqlite3.Connection]:
    """state.db at one moment, which is the snapshot's where `store` is one.

    tables: whose newest parts it must know
    """
    if store.snapshot is not None:
        with store.snapshot.lock:
            yield store.snapshot.state
        return
    with taken(store.folder, tables) as moment:
        yield moment.state


def generation(store: Store) -> int:
    """A number that grows with every change to the store; a key for caches of answers."""
    with reading(store, TABLES) as state:
        query = "select value from meta where key = 'generation'"
        return state.execute(query).fetchone()[0]


def version(store: Store, *names: str) -> tuple[tuple[str, int, int], ...]:
    """A value that changes whenever one of these tables or views does, and at no other time.

    names: tables of data/store/schema.py, or views of GROWS
    """
    if unknown := set(names) - TABLES.keys() - GROWS.keys():
        raise ValueError(
            f"{', '.join(sorted(unknown))} has no version; expected tables of"
            f" data/store/schema.py or one of {', '.join(GROWS)}."
        )
    versions = []
    with reading(store, [name for name in names if name in TABLES]) as state:
        for name in names:
            if name in GROWS:
                n, newest = state.execute(GROWS[name]).fetchone()
            else:
                n, newest = parts.changes_of(state, name)
            versions.append((name, n, newest or 0))
    return tuple(versions)


def parts_by_run(store: Store, *tables: str) -> dict[str, tuple[str, ...]]:
    """Run -> the live parts of these tables that it has, by path."""
    paths: dict[str, list[str]] = {}
    with reading(store, tables) as state:
        for table in tables:
            for part in parts.live(state, table):
                paths.setdefault(part.run or "", []).append(part.path)
    return {run: tuple(of_run) for run, of_run in paths.items()}
