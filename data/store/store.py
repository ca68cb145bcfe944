"""The store: a folder of immutable Parquet parts that any number of processes write and ask."""

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from data.store import files, parts, state_db, views
from data.store.compaction import compact as compact, health as health
from data.store.files import StoreError as StoreError
from data.store.schema import FORMAT_VERSION, OF_RUNS, TABLES
from data.store.state_schema import VIEWS
from data.store.validation import shaped

MARK = "STORE.json"
CACHE = "cache"


@dataclass(frozen=True)
class Store:
    """Where a store lies, and the engine that answers questions. Open one in each process."""

    folder: Path
    id: str
    engine: duckdb.DuckDBPyConnection = field(repr=False, compare=False)
    runs: tuple[str, ...] | None = None  # the only ones whose parts are read; None: all
    stages: tuple[str, ...] | None = None


def open_store(folder: Path) -> Store:
    """The store in `folder`, which is made where it is missing or empty."""
    folder = Path(folder)
    with files.explained(folder):
        if not (folder / MARK).exists():
            _create(folder)
        mark = _mark(folder)
        for name in (files.STAGING, files.TRASH):  # a copy of a store may lack empty folders
            files.make_folder(folder / name)
    if mark["format_version"] > FORMAT_VERSION:
        raise StoreError(
            f"{folder} has format {mark['format_version']}; this thinkbench reads up to format "
            f"{FORMAT_VERSION}. Upgrade thinkbench, or name another folder with --store."
        )
    with files.explained(folder):
        state_db.create(folder)
    return Store(folder, mark["store_id"], _engine(folder))


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
    # SQLite has files beside its own for moments; another process may be making this store
    others = {
        entry.name for entry in folder.iterdir() if not entry.name.startswith(state_db.STATE_FILE)
    } - {files.STAGING, files.TRASH, MARK}
    if others:
        raise StoreError(
            f"{folder} is no store: it has no {MARK} but holds {', '.join(sorted(others)[:3])}. "
            "Name an empty or a new folder with --store."
        )
    files.make_folder(folder / files.STAGING)
    files.make_folder(folder / files.TRASH)
    mark = {"format_version": FORMAT_VERSION, "store_id": secrets.token_hex(8)}
    files.create(folder, MARK, json.dumps(mark).encode())


def _engine(folder: Path) -> duckdb.DuckDBPyConnection:
    engine = duckdb.connect()
    engine.execute("set global autoinstall_known_extensions = false")  # no question downloads
    # else what does not fit into memory goes to .tmp where the command was started
    engine.execute("set global temp_directory = $folder", {"folder": str(folder / CACHE)})
    engine.execute("set global TimeZone = 'UTC'")
    # a part never changes, so its footer is read once
    engine.execute("set global parquet_metadata_cache = true")
    engine.execute("create schema empty")
    for table, columns in TABLES.items():
        engine.register("rows", pl.DataFrame(schema=columns))
        engine.execute(f"create table empty.{table} as from rows")
        engine.unregister("rows")
    return engine


def within(
    store: Store, runs: Sequence[str] | None = None, stages: Sequence[str] | None = None
) -> Store:
    """The same store, whose questions read what only these runs and stages wrote of OF_RUNS.

    All else, as problems and records, belongs to no one run and is there as always.
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
    place: int = 0,
) -> str:
    """Add `rows` as one part, seen whole or not at all. Its path in the store; "" for no rows.

    once:  what the rows are, as a hash. Of several processes that add the same rows of a run, or
           of one that was broken off and adds them again, the store keeps one part.
    place: of that part among those of its run; merged parts keep this order
    """
    if table == "generations":
        raise StoreError("generations come with their scores. Call add_generations instead.")
    rows = shaped(table, rows, run, stage)
    if rows.is_empty():
        return ""
    name = files.new_name("part") if once is None else files.fixed_name("part", once, place)
    path = f"{parts.folder_of(table, run, stage)}/{name}"
    with files.explained(store.folder):
        files.write(store.folder, [(path, parts.content(table, rows))])
    return path


def add_generations(
    store: Store,
    generations: pl.DataFrame,
    scores: pl.DataFrame,
    *,
    run: str,
    stage: str,
    once: str | None = None,
) -> None:
    """Add texts and their scores, both or none, sorted by problem and sample. once: as in `add`."""
    order = ["problem_id", "sample", "generation_id"]
    generations = shaped("generations", generations, run, stage).sort(order)
    scores = shaped("scores", scores, run, stage).sort(order)
    texts, scored = generations["generation_id"], scores["generation_id"]
    if not texts.equals(scored):
        raise StoreError(
            f"{len(texts)} generations and {len(scored)} scores do not match; expected one score "
            "of each generation. Score every one, by one grader, and add others with `grade`."
        )
    if generations.is_empty():
        return
    name = files.new_name("pair") if once is None else files.fixed_name("pair", once)
    with files.explained(store.folder):
        files.write(
            store.folder,
            [  # the scores last: they make the pair live
                (f"{parts.folder_of(table, run, stage)}/{name}", parts.content(table, rows))
                for table, rows in (("generations", generations), ("scores", scores))
            ],
        )


def ask(store: Store, query: str, **params: Any) -> pl.DataFrame:
    """The answer to one statement, over all that was added before it was asked.

    It may name the tables of data/store/schema.py (the table of run events as `run_events`), what
    people wrote as data/store/state_schema.py has it, and the views of data/store/views.py.
    """
    made, names = views.with_dependencies(views.names_in(query))
    tables = {"runs" if name == "run_events" else name for name in names} & set(TABLES)
    if "runs" in names:
        tables.add("runs")
    parts.scan(store.folder, tables)
    with store.engine.cursor() as cursor:
        with state_db.connect(store.folder) as connection:
            connection.execute("begin")  # one moment for all tables
            live = {
                table: parts.live(connection, table, store.runs, store.stages)
                if table in OF_RUNS
                else parts.live(connection, table)
                for table in tables
            }
            for name in names & set(VIEWS):
                cursor.register(name, state_db.frame(connection, name))
        for table, found in live.items():
            _show(store, cursor, table, found)
        with _whole(store):
            for name in made:
                cursor.execute(f"create or replace temp view {name} as {views.VIEWS[name]}")
            return cursor.sql(query, params=params).pl()


def _show(
    store: Store, cursor: duckdb.DuckDBPyConnection, table: str, found: list[parts.Part]
) -> None:
    view = "run_events" if table == "runs" else table
    query = f"from empty.{table}"
    gone = [part.path for part in found if not files.exists(store.folder, part.path)]
    if gone:
        raise StoreError(
            f"{len(gone)} part(s) of {table} are gone, the first is {gone[0]}; expected every part "
            f"in {store.folder}. Restore them from a backup. To go on without them: python -c "
            "'import sys; from data import store, upkeep; "
            f"upkeep.forget_missing(store.open_store(sys.argv[1]))' {store.folder}"
        )
    if found:
        paths = ",".join("'" + str(store.folder / p.path).replace("'", "''") + "'" for p in found)
        query = f"from read_parquet([{paths}], union_by_name = true)"
        if any(p.columns != ",".join(TABLES[table]) for p in found):  # older or newer parts
            query = f"from empty.{table} union all by name {query}"
    with _whole(store):
        cursor.execute(f"create or replace temp view {view} as {query}")


@contextmanager
def _whole(store: Store) -> Iterator[None]:
    """A part that cannot be read becomes a `StoreError`; a question that is wrong stays a bug."""
    try:
        yield
    except (duckdb.IOException, duckdb.InvalidInputException) as error:
        if ".parquet" not in str(error):
            raise
        raise StoreError(
            f"a part of {store.folder} cannot be read: {error}. Restore it from a backup, or move"
            " it out of the store to go on without its rows."
        ) from error


def generation(store: Store) -> int:
    """A number that grows with every change to the store: what a cache of answers is keyed by."""
    parts.scan(store.folder, TABLES)
    return state_db.generation(store.folder)
