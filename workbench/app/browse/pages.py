"""Counts by facet, pages of rows, neighbours and text search, all for one filter.

Each reads the newest snapshot of an index (workbench/app/browse/index.py); only a text search
reads texts.
"""

from collections.abc import Sequence
from typing import Any

import polars as pl

from data.store import Store, ask, within
from workbench.app.browse.filter import (
    CATEGORY_VALUES,
    FACETS,
    Filter,
    condition,
    unknown_values,
)
from workbench.app.browse.index import MOST_SEARCHES, Index, Snapshot

WITHOUT_TAG = tuple(facet for facet in FACETS if facet != "tag")
MOST_TAGGED = 100_000  # generations that one action tags
MOST_OF_PROBLEM = 2_000  # generations of one problem in a table
SHORT = 200  # characters of a text in a table


def counts(
    index: Index, store: Store, where: Filter, facets: Sequence[str] = FACETS
) -> dict[str, list[tuple[str, int]]]:
    """Facet -> its values, each with the number of generations that choosing it would show.

    The chosen values of the facet itself do not filter its counts, so that another value can be
    chosen. Values of no generation are left out, unless they are chosen.
    """
    snapshot = index.snapshots[-1]
    counted = {}
    for facet in facets:
        numbers = _numbers(index, snapshot, store, where, facet)
        chosen = set(where.of(facet))
        counted[facet] = [
            (value, numbers.get(code, 0))
            for code, value in enumerate(snapshot.values[facet])
            if numbers.get(code) or value in chosen
        ]
    return counted


def _numbers(
    index: Index, snapshot: Snapshot, store: Store, where: Filter, facet: str
) -> dict[int, int]:
    """Code of a value -> number of generations."""
    if facet == "category":
        bits = ", ".join(
            f"count(*) filter ((category & {1 << bit}) <> 0)" for bit in range(len(CATEGORY_VALUES))
        )
        return dict(enumerate(_select(index, snapshot, store, where, bits, ignored=facet).row(0)))
    joined = "join tagged using (position)" if facet == "tag" else ""
    columns = f"{facet} as code, count(*) as n"
    rows = _select(index, snapshot, store, where, columns, joined, "group by code", ignored=facet)
    return dict(rows.iter_rows())


def misspelt(index: Index, store: Store, where: Filter) -> list[str]:
    """What is wrong with chosen values that no generation can have."""
    return unknown_values(where, index.snapshots[-1].values)


def total(index: Index, store: Store, where: Filter) -> int:
    """The number of generations that match the filter."""
    return _select(index, index.snapshots[-1], store, where, "count(*) as n")["n"].item()


def page(index: Index, store: Store, where: Filter, number: int, size: int) -> pl.DataFrame:
    """generation_id, stage, run, problem_id, sample, question, gold, extracted, correct, format,
    tokens, finish, categories: the page `number` from 1, in the order of run, stage, problem and
    sample.
    """
    tail = "order by position limit $size offset $skip"
    skip = (number - 1) * size
    snapshot = index.snapshots[-1]
    positions = _select(index, snapshot, store, where, "position", tail=tail, size=size, skip=skip)
    return _rows(index, snapshot, positions)


def _rows(index: Index, snapshot: Snapshot, positions: pl.DataFrame) -> pl.DataFrame:
    """The rows of `page` at these positions."""
    with index.engine.cursor() as cursor:
        cursor.register("positions", positions)
        cursor.register("run_names", _names(snapshot.values["run"]))
        rows = cursor.sql(
            f"""
            select
                b.generation_id, b.stage, b.run, b.problem_id, b.sample,
                left(coalesce(o.question, p.question), {SHORT}) as question,
                left(coalesce(o.gold, p.gold), {SHORT}) as gold,
                left(b.extracted, {SHORT}) as extracted, g.correct, g.format, b.tokens, g.finish,
                g.category
            from {snapshot.generations} g join base b using (position)
            left join problems p using (problem_id)
            left join run_names n on n.number = b.run
            left join own_problems o on o.run = n.name and o.problem_id = b.problem_id
            where g.position in (select position from positions)
            order by g.position
            """
        ).pl()
    return _decoded(rows, snapshot)


def _decoded(rows: pl.DataFrame, snapshot: Snapshot) -> pl.DataFrame:
    """`rows` with values in place of codes."""
    decoded = {
        name: pl.col(name).replace_strict(
            dict(enumerate(snapshot.values[name])), default=None, return_dtype=pl.String
        )
        for name in ("run", "correct", "format", "finish")
    }
    names = [
        [name for bit, name in enumerate(CATEGORY_VALUES) if mask >> bit & 1]
        for mask in rows["category"]
    ]
    categories = pl.Series("categories", names, pl.List(pl.String))
    return rows.with_columns(**decoded).with_columns(categories).drop("category")


def same_problem(index: Index, store: Store, where: Filter, generation: str) -> pl.DataFrame:
    """As `page`: all generations of the same problem, whatever the filter; up to a limit.

    Those of runs whose own problem of that id has another question are not of the same problem.
    """
    with index.engine.cursor() as cursor:
        cursor.register("run_names", _names(list(index.runs)))
        positions = cursor.sql(
            """
            with answers as (
                select
                    position, generation_id,
                    regexp_replace(coalesce(o.question, p.question), '\\s+', '', 'g') as question
                from base b
                left join problems p using (problem_id)
                left join run_names n on n.number = b.run
                left join own_problems o on o.run = n.name and o.problem_id = b.problem_id
                where b.problem_id = (select problem_id from base where generation_id = $id)
            )
            select position from answers
            where question is not distinct from (
                select question from answers where generation_id = $id
            )
            order by position limit $most
            """,
            params={"id": generation, "most": MOST_OF_PROBLEM},
        ).pl()
    return _rows(index, index.snapshots[-1], positions)


def _names(runs: list[str]) -> pl.DataFrame:
    """number, name: of runs, as they stand in the column `run` of `base`."""
    return pl.DataFrame(
        {"number": range(len(runs)), "name": runs},
        schema={"number": pl.Int64, "name": pl.String},
    )


def position_of(index: Index, generation: str) -> int | None:
    """The position of the generation among all; None if the index does not have it."""
    with index.engine.cursor() as cursor:
        row = cursor.execute(
            "select position from base where generation_id = $id", {"id": generation}
        ).fetchone()
    return row[0] if row else None


def neighbours(index: Index, store: Store, where: Filter, position: int) -> dict[str, Any]:
    """previous, next: ids or None; number: of the rows up to `position`; of: of all rows."""
    columns = """
        max(position) filter (position < $here) as previous,
        min(position) filter (position > $here) as next,
        count(*) filter (position <= $here) as number,
        count(*) as "of"
    """
    snapshot = index.snapshots[-1]
    row = _select(index, snapshot, store, where, columns, here=position).row(0, named=True)
    positions = sorted(row[way] for way in ("previous", "next") if row[way] is not None)
    frame = pl.DataFrame({"position": positions}, schema={"position": pl.Int64})
    ids_by_position = dict(
        zip(positions, _rows(index, snapshot, frame)["generation_id"], strict=True)
    )
    return row | {way: ids_by_position.get(row[way]) for way in ("previous", "next")}


def ids(index: Index, store: Store, where: Filter) -> list[str]:
    """The generations that match the filter, in order; at most MOST_TAGGED."""
    tail = "order by position limit $most"
    snapshot = index.snapshots[-1]
    positions = _select(index, snapshot, store, where, "position", tail=tail, most=MOST_TAGGED)
    return _rows(index, snapshot, positions)["generation_id"].to_list()


def _select(
    index: Index,
    snapshot: Snapshot,
    store: Store,
    where: Filter,
    columns: str,
    joined: str = "",
    tail: str = "",
    *,
    ignored: str | None = None,
    **bound: Any,
) -> pl.DataFrame:
    """`columns` of the generations of a snapshot that match the filter.

    joined, tail: SQL after the table and after the condition. All SQL is text of this module;
    values are bound.   ignored: a facet whose chosen values do not filter
    """
    clauses, values = condition(where, snapshot.values, ignored)
    with index.engine.cursor() as cursor:
        cursor.register("tagged", snapshot.tagged)
        if where.text:
            cursor.register("hits", hits(index, store, where))
        query = f"select {columns} from {snapshot.generations} {joined} where {clauses} {tail}"
        return cursor.sql(query, params=values | bound).pl()


def hits(index: Index, store: Store, where: Filter) -> pl.DataFrame:
    """position: of every generation of the chosen runs and stages whose text has `where.text`.

    A search reads all their texts, two seconds for a million; the last few results are cached.
    """
    runs = where.of("run") or None
    stages = where.of("stage") or None
    key = (where.text, runs, stages, index.rows)  # a result is stale when the rows change
    cached = index.searches.get(key)
    if cached is not None:
        return cached
    generations = ask(
        within(store, runs, stages),
        "select generation_id from generations where contains(text, $text)",
        text=where.text,
    )
    with index.engine.cursor() as cursor:
        cursor.register("matches", generations)
        query = "select position from base semi join matches using (generation_id)"
        positions = cursor.sql(query).pl()
    index.searches[key] = positions
    with index.lock:  # other threads may remove the same ones
        while len(index.searches) > MOST_SEARCHES:
            index.searches.popitem(last=False)
    return positions
