"""An index of all generations, in memory: one narrow row each, updated only where runs changed.

A million rows take some 200 MB, and every facet is counted in a tenth of a second; reading the
parts of the store, whose rows are keyed by ids of text, would take seconds. Texts stay in the
store.
"""

import threading
import weakref
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb
import polars as pl

from data.store import Store, ask, changes, parts_by_run, version, within
from evals.failures import SUSPECT_GOLD, VERSION
from evals.failures.suspect_golds import suspect_golds
from evals.scores import grader_in
from workbench.app.browse.filter import CATEGORY_VALUES, NO_ERROR, NOT_CATEGORISED
from workbench.app.browse.snapshot import SCHEMA, Snapshot, Use, with_codes

POSITIONS = 1 << 32  # reserved for each run; a run has fewer generations
MOST_SEARCHES = 16  # whose results are cached
ROWS = ("scores", "failures", "problems", "overrides")  # tables that everything but tags reads
READ = (*ROWS, "tags")
NO_TAGS = pl.DataFrame(schema={"position": pl.Int64, "target_id": pl.String, "tag": pl.String})


@dataclass
class Index:
    """The generations of one store under one grader. `base` has them by run, a snapshot by code."""

    grader: str
    engine: duckdb.DuckDBPyConnection = field(repr=False)
    snapshots: list[Snapshot] = field(default_factory=list)  # the newest last
    version: Any = None  # of all tables that it was read from
    rows: Any = None  # version of those tables without the tags
    tags: pl.DataFrame = field(default_factory=lambda: NO_TAGS, repr=False)  # by name
    tag_change: int = 0  # the last change that `tags` contains
    parts: dict[str, tuple[str, ...]] = field(default_factory=dict)  # run -> parts it was read from
    runs: dict[str, int] = field(default_factory=dict)  # run -> its number, which never changes
    problems: Any = None  # version of the problems
    # (text, runs, stages, rows) -> positions
    searches: "OrderedDict[tuple[Any, ...], pl.DataFrame]" = field(default_factory=OrderedDict)
    uses: "dict[str, weakref.ref[Use]]" = field(default_factory=dict)  # table -> its snapshots' use
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)


def new_index(grader: str) -> Index:
    """An empty index; `refresh` fills it."""
    engine = duckdb.connect(":memory:")
    engine.execute(SCHEMA)
    return Index(grader, engine)


def refresh(index: Index, store: Store) -> None:
    """Bring the index up to date with the store. Safe to call from several threads at once.

    Where only tags have changed, the rows stay as they are.
    """
    now = version(store, *READ)
    if index.version == now:
        return
    with index.lock:
        if index.version == now:
            return
        rows = now[: len(ROWS)]
        if index.rows == rows:
            _read_tags(index, store)
            index.snapshots[-1] = _with_tags(index, index.snapshots[-1])
        else:
            _refresh_rows(index, store)
            index.rows = rows
        index.version = now


def _refresh_rows(index: Index, store: Store) -> None:
    if _read_runs(index, store):
        index.tag_change = 0  # positions have changed: read all tags again
    problems = version(store, "problems")
    if index.problems != problems:
        _read_problems(index, store)
        index.problems = problems
    _read_tags(index, store)
    _add_snapshot(index, store)
    index.searches.clear()


def _read_runs(index: Index, store: Store) -> bool:
    """Read the runs whose parts have changed; whether there was any."""
    parts = parts_by_run(store, "scores", "failures")
    changed = [run for run in parts.keys() | index.parts.keys()
               if parts.get(run) != index.parts.get(run)]  # fmt: skip
    for run in sorted(changed):
        _read_run(index, store, run, present=run in parts)
        index.parts.pop(run, None)
        if run in parts:
            index.parts[run] = parts[run]
    return bool(changed)


def _read_run(index: Index, store: Store, run: str, present: bool) -> None:
    number = index.runs.setdefault(run, len(index.runs))
    with index.engine.cursor() as cursor:
        cursor.execute("begin")
        cursor.execute("delete from base where run = $run", {"run": number})
        if present:
            cursor.register("rows", _rows_of(store, run, index.grader))
            cursor.execute(
                "insert into base select position + $first, $run, * exclude (position) from rows",
                {"first": number * POSITIONS, "run": number},
            )
            cursor.unregister("rows")
        cursor.execute("commit")


def _rows_of(store: Store, run: str, grader: str) -> pl.DataFrame:
    """The columns of `base` except run, ordered by stage, problem and sample; position from 0."""
    rule = grader_in(store, grader)
    bits = {name: code for code, name in enumerate(CATEGORY_VALUES)}
    rows = ask(
        within(store, [run]),
        """
        with verdicts as (
            select generation_id, stage, problem_id, sample, graded_correct as correct, format,
                extracted, tokens, finish
            from current_scores
            where run = $run and grader = $grader and grader_version = $version
        ), categorised as (
            select generation_id, any_value(list_distinct([c.name for c in categories])) as names
            from failures where run = $run and version = $categories
            group by generation_id
        )
        select
            stage, problem_id, sample, generation_id,
            coalesce(correct::tinyint, 2) as correct, coalesce(format::tinyint, 2) as format,
            extracted, tokens,
            case finish when 'stop' then 0 when 'length' then 1 else 2 end as finish, names
        from verdicts left join categorised using (generation_id)
        order by stage, problem_id, sample, generation_id
        """,
        run=run,
        grader=rule.name,
        version=rule.version,
        categories=VERSION,
    )
    suspect = suspect_golds(store, run).with_columns(suspect=True)
    rows = rows.join(suspect, on=["stage", "problem_id"], how="left", maintain_order="left")
    rows = rows.with_columns(
        pl.when(pl.col("suspect").is_null() | pl.col("names").is_null())
        .then(pl.col("names"))
        .otherwise(pl.concat_list("names", pl.lit(SUSPECT_GOLD)))
    ).drop("suspect")
    mask = (
        pl.when(pl.col("names").is_null())
        .then(1 << bits[NOT_CATEGORISED])
        .when(pl.col("names").list.len() == 0)
        .then(1 << bits[NO_ERROR])
        .otherwise(
            pl.col("names")
            .list.eval(pl.element().replace_strict(
                {name: 1 << bit for name, bit in bits.items()}, default=0, return_dtype=pl.UInt32
            ))
            .list.sum()
        )
    )  # fmt: skip
    return rows.select(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("position"),
        pl.exclude("names"),
        mask.cast(pl.UInt32).alias("category"),
    )


def _read_problems(index: Index, store: Store) -> None:
    """Fill the tables of problems of the index; `own_problems` has those of imports that differ."""
    rows = ask(
        store,
        """
        select
            problem_id, question, gold, steps::varchar as steps, source
        from problem_texts
        """,
    )
    own = ask(
        store,
        """
        select i.* from imported_problems i join problem_texts t using (problem_id)
        where (i.question, i.gold) <> (t.question, t.gold)
        """,
    )
    with index.engine.cursor() as cursor:
        for table, frame in (("problems", rows), ("own_problems", own)):
            cursor.register("rows", frame)
            cursor.execute(f"create or replace table {table} as from rows")
            cursor.unregister("rows")


def _read_tags(index: Index, store: Store) -> None:
    """Apply the tags that people added and removed since `index.tag_change`."""
    before = NO_TAGS if index.tag_change == 0 else index.tags
    changed, index.tag_change = changes(store, "generation", index.tag_change)
    with index.engine.cursor() as cursor:
        cursor.register("added", changed.filter(event="added"))
        added = cursor.sql(
            "select b.position, a.target_id, a.tag"
            " from added a join base b on b.generation_id = a.target_id"
        ).pl()
    unchanged = before.join(changed, on=["target_id", "tag"], how="anti")
    index.tags = pl.concat([unchanged, added])


def _with_tags(index: Index, snapshot: Snapshot) -> Snapshot:
    """The same rows with the tags that the index has now."""
    names = index.tags["tag"].unique().sort().to_list()
    code = pl.col("tag").replace_strict(names, range(len(names)), return_dtype=pl.Int32)
    tagged = index.tags.select("position", code)
    return replace(snapshot, tagged=tagged, values=snapshot.values | {"tag": names})


def _add_snapshot(index: Index, store: Store) -> None:
    """Add a snapshot; an older one stays while a thread reads it, however long that takes."""
    overrides = ask(store, "select * from overrides where grader = $grader", grader=index.grader)
    number = int(index.snapshots[-1].generations.rpartition("_")[2]) + 1 if index.snapshots else 0
    with index.engine.cursor() as cursor:
        corrections = overrides.select("generation_id", "verdict")
        rows = with_codes(cursor, f"generations_{number}", corrections, list(index.runs))
        index.uses[rows.generations] = weakref.ref(rows.use)
        index.snapshots.append(_with_tags(index, rows))
        del index.snapshots[:-2]
        for table in [table for table, use in index.uses.items() if use() is None]:
            cursor.execute(f"drop table {table}")
            del index.uses[table]
