"""What is browsed, in memory: one narrow row a generation, made anew only where parts have changed.

A million rows take some 200 MB and are counted by every facet in a tenth of a second, where the
parts, whose rows are found by ids of text, take seconds. Texts stay in the store.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb
import polars as pl

from data.store import Store, ask, changes, parts_by_run, version, within
from evals.failures import VERSION
from evals.graders import grader as grader_of
from evals.scores import FIRST_STAGES
from workbench.app.browse.filter import (
    CATEGORY_VALUES,
    FIXED,
    LENGTHS,
    NOT_LOOKED_AT,
    NOTHING_WRONG,
    UNKNOWN,
)

RUN = 1 << 32  # places of one run; a run has fewer generations
MOST_SEARCHES = 16  # whose finds are kept
ROWS = ("scores", "failures", "problems", "overrides")  # what all but tags is made of
READ = (*ROWS, "tags")
NO_TAGS = pl.DataFrame(schema={"place": pl.Int64, "target_id": pl.String, "tag": pl.String})

SCHEMA = """
create table base (
    place bigint, run smallint, stage varchar, problem_id varchar, sample integer,
    generation_id varchar, correct tinyint, format tinyint, extracted varchar, tokens integer,
    finish tinyint, category uinteger
);
create table problems (
    problem_id varchar, question varchar, gold varchar, steps varchar, source varchar
);
"""


@dataclass(frozen=True)
class Snapshot:
    """What facets count, and what the codes in it stand for.

    generations: the name of a table: place, run, stage, correct, format, finish, length, steps,
    difficulty, source, category; a row each.   tagged: place, tag; a row for each tag of each
    """

    generations: str
    tagged: pl.DataFrame = field(repr=False)
    values: dict[str, list[str]]  # facet -> its values in the order of their codes


@dataclass
class Index:
    """The rows of one store under one grader. `base` has them by run, the snapshot by code."""

    grader: str
    engine: duckdb.DuckDBPyConnection = field(repr=False)
    snapshots: list[Snapshot] = field(default_factory=list)  # the newest last
    version: Any = None  # of all that it was made of
    rows: Any = None  # of that without the tags
    tags: pl.DataFrame = field(default_factory=lambda: NO_TAGS, repr=False)  # by the names of both
    tag_change: int = 0  # the last that `tags` has
    parts: dict[str, tuple[str, ...]] = field(default_factory=dict)  # run -> those it was made of
    runs: dict[str, int] = field(default_factory=dict)  # run -> its number, which never changes
    problems: Any = None  # version of the problems
    found: "OrderedDict[tuple[Any, ...], pl.DataFrame]" = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)


def new_index(grader: str) -> Index:
    """An index of nothing; `refresh` fills it."""
    engine = duckdb.connect(":memory:")
    engine.execute(SCHEMA)
    return Index(grader_of(grader).name, engine)


def refresh(index: Index, store: Store) -> None:
    """Make the index hold what the store holds now. Any number of threads may ask at once.

    Where only tags have changed, a million rows stay as they are.
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
            if _read_runs(index, store):
                index.tag_change = 0  # their places are others now
            if index.problems != (found := version(store, "problems")):
                _read_problems(index, store)
                index.problems = found
            _read_tags(index, store)
            _code(index, store)
            index.found.clear()
            index.rows = rows
        index.version = now


def _read_runs(index: Index, store: Store) -> bool:
    """Whether any run has other rows than before."""
    there = parts_by_run(store, "scores", "failures")
    changed = [run for run in there.keys() | index.parts.keys()
               if there.get(run) != index.parts.get(run)]  # fmt: skip
    for run in sorted(changed):
        number = index.runs.setdefault(run, len(index.runs))
        with index.engine.cursor() as cursor:
            cursor.execute("begin")
            cursor.execute("delete from base where run = $run", {"run": number})
            if run in there:
                rows = _rows_of(store, run, index.grader)
                cursor.register("rows", rows)
                cursor.execute(
                    "insert into base select place + $first, $run, * exclude (place) from rows",
                    {"first": number * RUN, "run": number},
                )
                cursor.unregister("rows")
            cursor.execute("commit")
        index.parts.pop(run, None)
        if run in there:
            index.parts[run] = there[run]
    return bool(changed)


def _read_tags(index: Index, store: Store) -> None:
    """Say of the generations what people have said since `index.tag_change`."""
    before = NO_TAGS if index.tag_change == 0 else index.tags
    said, index.tag_change = changes(store, "generation", index.tag_change)
    with index.engine.cursor() as cursor:
        cursor.register("said", said.filter(event="added"))
        query = "select b.place, s.target_id, s.tag from said s join base b on b.generation_id = "
        added = cursor.sql(f"{query} s.target_id").pl()
    kept = before.join(said, on=["target_id", "tag"], how="anti")
    index.tags = pl.concat([kept, added])


def _with_tags(index: Index, snapshot: Snapshot) -> Snapshot:
    """The same rows with the tags that the index has now."""
    names = index.tags["tag"].unique().sort().to_list()
    code = pl.col("tag").replace_strict(names, range(len(names)), return_dtype=pl.Int32)
    tagged = index.tags.select("place", code)
    return replace(snapshot, tagged=tagged, values=snapshot.values | {"tag": names})


def _rows_of(store: Store, run: str, grader: str) -> pl.DataFrame:
    """The columns of `base` but run, in the order of stage, problem and sample; place from 0."""
    rule = grader_of(grader)
    bits = {name: code for code, name in enumerate(CATEGORY_VALUES)}
    rows = ask(
        within(store, [run]),
        """
        with verdicts as (
            select generation_id, stage, problem_id, sample, graded_correct as correct, format,
                extracted, tokens, finish
            from current_scores
            where run = $run and grader = $grader and grader_version = $version
        ), seen as (
            select generation_id, any_value(list_distinct([c.name for c in categories])) as names
            from failures where run = $run and version = $categories
            group by generation_id
        )
        select
            stage, problem_id, sample, generation_id,
            coalesce(correct::tinyint, 2) as correct, coalesce(format::tinyint, 2) as format,
            extracted, tokens,
            case finish when 'stop' then 0 when 'length' then 1 else 2 end as finish, names
        from verdicts left join seen using (generation_id)
        order by stage, problem_id, sample, generation_id
        """,
        run=run,
        grader=rule.name,
        version=rule.version,
        categories=VERSION,
    )
    mask = (
        pl.when(pl.col("names").is_null())
        .then(1 << bits[NOT_LOOKED_AT])
        .when(pl.col("names").list.len() == 0)
        .then(1 << bits[NOTHING_WRONG])
        .otherwise(
            pl.col("names")
            .list.eval(pl.element().replace_strict(
                {name: 1 << bit for name, bit in bits.items()}, default=0, return_dtype=pl.UInt32
            ))
            .list.sum()
        )
    )  # fmt: skip
    return rows.select(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("place"),
        pl.exclude("names"),
        mask.cast(pl.UInt32).alias("category"),
    )


def _read_problems(index: Index, store: Store) -> None:
    rows = ask(
        store,
        """
        select
            problem_id, question, gold, steps::varchar as steps, source
        from problem_texts
        """,
    )
    with index.engine.cursor() as cursor:
        cursor.register("rows", rows)
        cursor.execute("create or replace table problems as from rows")
        cursor.unregister("rows")


def _code(index: Index, store: Store) -> None:
    """Add a snapshot: numbers for all that facets count. The one before serves who still reads."""
    said = ask(store, "select * from overrides where grader = $grader", grader=index.grader)
    number = int(index.snapshots[-1].generations.rpartition("_")[2]) + 1 if index.snapshots else 0
    table = f"generations_{number}"
    with index.engine.cursor() as cursor:
        values = _values(index, cursor)
        for name in ("stage", "steps", "source"):
            codes = {"name": values[name], "code": list(range(len(values[name])))}
            schema = {"name": pl.String, "code": pl.Int32}
            cursor.register(f"code_of_{name}", pl.DataFrame(codes, schema=schema))
        cursor.register("said", said.select("generation_id", "verdict"))
        cursor.execute(f"create table {table} as {CODED}", {"unknown": UNKNOWN})
        index.snapshots.append(_with_tags(index, Snapshot(table, NO_TAGS, values)))
        while len(index.snapshots) > 2:
            cursor.execute(f"drop table {index.snapshots.pop(0).generations}")


BANDS = " ".join(f"when tokens < {edge} then {code}" for code, edge in enumerate(LENGTHS))
CODED = f"""
with graded as (
    select b.*, case v.verdict
        when 'right' then 1 when 'wrong' then 0 when 'unknown' then 2 else b.correct
    end as verdict
    from base b left join said v using (generation_id)
), rates as (
    select problem_id, avg(verdict) filter (verdict <> 2) as rate
    from graded group by problem_id
), kinds as (
    select
        r.problem_id, s.code as steps, o.code as source,
        case when rate = 0 then 0 when rate <= 0.5 then 1 when rate < 1 then 2
            when rate = 1 then 3 else 4 end as difficulty
    from rates r left join problems p using (problem_id)
    join code_of_steps s on s.name = coalesce(p.steps, $unknown)
    join code_of_source o on o.name = coalesce(p.source, $unknown)
)
select
    place, run, t.code::smallint as stage, verdict::tinyint as correct, format, finish,
    (case when tokens is null then {len(LENGTHS) + 1} {BANDS} else {len(LENGTHS)} end)::tinyint
        as length,
    k.steps::smallint as steps, k.difficulty::tinyint as difficulty,
    k.source::smallint as source, category
from graded join kinds k using (problem_id)
join code_of_stage t on t.name = coalesce(graded.stage, $unknown)
"""


def _values(index: Index, cursor: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """Of every facet but tag."""

    def distinct(query: str) -> set[str]:
        return {value for (value,) in cursor.execute(query).fetchall() if value is not None}

    stages = distinct("select distinct stage from base")
    steps = distinct("select distinct steps from problems")
    sources = distinct("select distinct source from problems")
    first = [stage for stage in FIRST_STAGES if stage in stages]
    return {
        **{name: list(values) for name, values in FIXED.items()},
        "stage": [*first, *sorted(stages - {*first, UNKNOWN}), UNKNOWN],
        "run": list(index.runs),
        "steps": [*sorted(steps, key=int), UNKNOWN],
        "source": [*sorted(sources - {UNKNOWN}), UNKNOWN],
    }
