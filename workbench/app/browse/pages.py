"""Browsing generations: counts by facet, pages, neighbours and searches, for one filter.

All read the newest snapshot of an index (workbench/app/browse/index.py), and no text but where one
is looked for.
"""

from collections.abc import Sequence
from typing import Any

import polars as pl

from data.store import Store, ask, within
from workbench.app.browse.filter import CATEGORY_VALUES, FACETS, Filter, where
from workbench.app.browse.index import MOST_SEARCHES, Index, Snapshot

UNTAGGED = tuple(facet for facet in FACETS if facet != "tag")
MOST_TAGGED = 100_000  # generations that one action tags
MOST_ANSWERS = 2_000  # of one problem, in a table
SHORT = 200  # characters of a text in a table


def counts(
    index: Index, store: Store, filter: Filter, facets: Sequence[str] = FACETS
) -> dict[str, list[tuple[str, int]]]:
    """Facet -> its values with how many generations choosing it would show, in their order.

    A facet counts what all others let through, so that another of its values can be chosen.
    Values of no generation are left out, unless they are chosen.
    """
    snapshot = index.snapshots[-1]
    found = {}
    for facet in facets:
        numbers = _numbers(index, store, snapshot, filter, facet)
        chosen = set(filter.of(facet))
        found[facet] = [
            (value, numbers.get(code, 0))
            for code, value in enumerate(snapshot.values[facet])
            if numbers.get(code) or value in chosen
        ]
    return found


def _numbers(
    index: Index, store: Store, snapshot: Snapshot, filter: Filter, facet: str
) -> dict[int, int]:
    if facet == "category":
        bits = ", ".join(
            f"count(*) filter ((category & {1 << bit}) <> 0)" for bit in range(len(CATEGORY_VALUES))
        )
        rows = _asked(index, store, snapshot, filter, f"select {bits} from {{generations}}", facet)
        return dict(enumerate(rows.row(0)))
    column = f"{facet} as code, count(*) as n"
    query = f"select {column} from {{generations}}"
    if facet == "tag":
        query = f"select {column} from tagged join {{generations}} using (place)"
    rows = _asked(index, store, snapshot, filter, query, facet, "group by code")
    return dict(rows.iter_rows())


def total(index: Index, store: Store, filter: Filter) -> int:
    """How many generations the filter lets through."""
    snapshot = index.snapshots[-1]
    query = "select count(*) as n from {generations}"
    return _asked(index, store, snapshot, filter, query)["n"].item()


def page(index: Index, store: Store, filter: Filter, number: int, size: int) -> pl.DataFrame:
    """generation_id, stage, run, problem_id, sample, question, gold, extracted, correct, format,
    tokens, finish, categories: the page `number` from 1, in the order of run, stage, problem and
    sample.
    """
    snapshot = index.snapshots[-1]
    query = "select place from {generations}"
    return _rows(
        index,
        snapshot,
        _asked(
            index,
            store,
            snapshot,
            filter,
            query,
            None,
            "order by place limit $size offset $skip",
            size=size,
            skip=(number - 1) * size,
        ),
    )


def _rows(index: Index, snapshot: Snapshot, places: pl.DataFrame) -> pl.DataFrame:
    with index.engine.cursor() as cursor:
        cursor.register("places", places)
        rows = cursor.sql(
            f"""
            select
                b.generation_id, b.stage, b.run, b.problem_id, b.sample,
                left(p.question, {SHORT}) as question, left(p.gold, {SHORT}) as gold,
                left(b.extracted, {SHORT}) as extracted, g.correct, g.format, b.tokens, g.finish,
                g.category
            from {snapshot.generations} g join base b using (place)
            left join problems p using (problem_id)
            where g.place in (select place from places)
            order by g.place
            """
        ).pl()
    return _named(rows, snapshot)


def _named(rows: pl.DataFrame, snapshot: Snapshot) -> pl.DataFrame:
    """Codes as what they stand for."""
    named = {
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
    return rows.with_columns(**named).with_columns(categories).drop("category")


def answers_beside(index: Index, store: Store, filter: Filter, generation: str) -> pl.DataFrame:
    """As `page`, of all generations of its problem, whatever the filter; at most MOST_ANSWERS."""
    with index.engine.cursor() as cursor:
        places = cursor.sql(
            """
            select place from base where problem_id = (
                select problem_id from base where generation_id = $id
            )
            order by place limit $most
            """,
            params={"id": generation, "most": MOST_ANSWERS},
        ).pl()
    return _rows(index, index.snapshots[-1], places)


def place_of(index: Index, generation: str) -> int | None:
    """Where the generation stands among all; None where the index does not have it."""
    with index.engine.cursor() as cursor:
        found = cursor.execute(
            "select place from base where generation_id = $id", {"id": generation}
        ).fetchone()
    return found[0] if found else None


def neighbours(index: Index, store: Store, filter: Filter, place: int) -> dict[str, Any]:
    """previous, next: ids or None; number: how many stand before and at `place`; of: in all."""
    snapshot = index.snapshots[-1]
    row = _asked(
        index,
        store,
        snapshot,
        filter,
        """
        select
            max(place) filter (place < $here) as previous,
            min(place) filter (place > $here) as next,
            count(*) filter (place <= $here) as number,
            count(*) as "of"
        from {generations}
        """,
        here=place,
    ).row(0, named=True)
    places = sorted(row[way] for way in ("previous", "next") if row[way] is not None)
    found = _rows(index, snapshot, pl.DataFrame({"place": places}, schema={"place": pl.Int64}))
    by_place = dict(zip(places, found["generation_id"], strict=True))
    return row | {way: by_place.get(row[way]) for way in ("previous", "next")}


def ids(index: Index, store: Store, filter: Filter) -> list[str]:
    """The generations that the filter lets through, in order; MOST_TAGGED of them at most."""
    snapshot = index.snapshots[-1]
    places = _asked(
        index,
        store,
        snapshot,
        filter,
        "select place from {generations}",
        None,
        "order by place limit $most",
        most=MOST_TAGGED,
    )
    return _rows(index, snapshot, places)["generation_id"].to_list()


def _asked(
    index: Index,
    store: Store,
    snapshot: Snapshot,
    filter: Filter,
    query: str,
    but: str | None = None,
    end: str = "",
    **bound: Any,
) -> pl.DataFrame:
    """`query` where the filter holds. It is text of this file alone; values are bound."""
    condition, values = where(filter, snapshot.values, but)
    with index.engine.cursor() as cursor:
        cursor.register("tagged", snapshot.tagged)
        if filter.text:
            cursor.register("hits", hits(index, store, filter))
        whole = f"{query} where {condition} {end}".format(generations=snapshot.generations)
        return cursor.sql(whole, params=values | bound).pl()


def hits(index: Index, store: Store, filter: Filter) -> pl.DataFrame:
    """place: of every generation whose text holds `filter.text`, of the chosen runs and stages.

    A search reads all their texts: two seconds for a million. What was found is kept.
    """
    runs = filter.of("run") or None
    stages = filter.of("stage") or None
    # of the rows as the index has them: what was found before they changed is not found again
    key = (filter.text, runs, stages, index.rows)
    known = index.found.get(key)
    if known is not None:
        return known
    found = ask(
        within(store, runs, stages),
        "select generation_id from generations where contains(text, $text)",
        text=filter.text,
    )
    with index.engine.cursor() as cursor:
        cursor.register("found", found)
        places = cursor.sql("select place from base semi join found using (generation_id)").pl()
    index.found[key] = places
    with index.lock:  # others may drop the same
        while len(index.found) > MOST_SEARCHES:
            index.found.popitem(last=False)
    return places
