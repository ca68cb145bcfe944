"""From all rows to those of a subset, step by step; what each step takes away is counted."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from data.store import Store, ask
from data.subsets.filter_language import Field, condition
from data.subsets.recipe import Recipe
from data.text import repeats


@dataclass(frozen=True)
class Table:
    """Rows that a filter may ask about.

    tables:  common table expressions, of which `rows` has a column `id` and those of `fields`;
             with {only} as a further condition where each reads its rows, all of them or few
    narrow:  that condition, for the few ids bound as $page_ids: with list_contains, which DuckDB
             applies before the windows of a view, where `in (select ...)` comes after them
    values:  what they bind
    order:   columns; of duplicates the first row in this order stays
    texts:   what duplicates are looked for in: by -> expression
    never:   what no subset holds: why -> condition
    """

    tables: str
    narrow: str
    values: Mapping[str, Any]
    fields: Mapping[str, Field]
    order: str
    texts: Mapping[str, str]
    never: Mapping[str, str]

    @property
    def has_tokens(self) -> bool:
        return "tokens" in self.fields


@dataclass(frozen=True)
class Step:
    """One step: how many rows it took away, and how many are left."""

    name: str
    taken: int
    left: int


@dataclass(frozen=True)
class Choice:
    """What a recipe chooses: sorted ids, the steps there, and the tokens of all; None: unknown."""

    ids: list[str]
    steps: list[Step]
    tokens: int | None


def chosen(store: Store, table: Table, recipe: Recipe, parent: list[str] | None = None) -> Choice:
    """Take the steps of `recipe` over the rows of `table`.

    parent: the ids of the subset that is chosen from
    """
    rows = _asked(store, table, recipe, parent)
    steps = [Step("all there are", 0, rows.height)]

    def keep(name: str, mask: pl.Series) -> None:
        nonlocal rows
        left = rows.filter(mask)
        steps.append(Step(name, rows.height - left.height, left.height))
        rows = left

    for place, why in enumerate(table.never):
        keep(why, ~rows[f"never_{place}"].fill_null(True))
    if parent is not None:
        keep(f"not in {recipe.parent}", rows["of_parent"])
    if recipe.where.strip():
        keep("outside the filter", rows["fits"].fill_null(False))
    if recipe.duplicates != "keep":
        found = repeats(_texts(store, table, recipe, rows["id"]), recipe.duplicates == "near")
        first = pl.Series([one is None for one in found], dtype=pl.Boolean)
        keep(f"{recipe.duplicates} duplicates", first)
    if recipe.tokens:
        keep("tokens unknown", rows["tokens"].is_not_null())
        keep("beyond the budget of tokens", _budgeted(rows, recipe))
    if recipe.sample:
        keep("not drawn", _drawn(rows["id"], recipe.seed).rank("ordinal") <= recipe.sample)
    return Choice(rows["id"].sort().to_list(), steps, _sum(rows, table))


def preview(
    store: Store, table: Table, ids: list[str], columns: list[str], number: int, size: int
) -> pl.DataFrame:
    """One page of the rows with these ids: id and `columns`. number: of the page, from 1"""
    names = ", ".join(f"{table.fields[name].sql} as {_quoted(name)}" for name in columns)
    return ask(
        store,
        f"""
        with {table.tables.format(only=table.narrow)}
        select id, {names} from rows
        where id in (select unnest($page_ids::varchar[])) order by {table.order}
        """,
        page_ids=sorted(ids)[(number - 1) * size : number * size],
        **table.values,
    )


def _asked(store: Store, table: Table, recipe: Recipe, parent: list[str] | None) -> pl.DataFrame:
    """A row each: id, tokens where there are any, and what holds of it."""
    where, values = condition(recipe.where, table.fields)
    values |= table.values
    columns = [f"({sql}) as never_{place}" for place, sql in enumerate(table.never.values())]
    columns += [f"({where}) as fits"]
    if table.has_tokens:
        columns.append(f"{table.fields['tokens'].sql} as tokens")
    if parent is not None:
        columns.append("id in (select unnest($parent_ids::varchar[])) as of_parent")
        values["parent_ids"] = parent
    # which of several duplicates is the first is all that their order is for
    order = "" if recipe.duplicates == "keep" else f"order by {table.order}"
    query = f"with {_every(table)} select id, {', '.join(columns)} from rows {order}"
    return ask(store, query, **values)


def _every(table: Table) -> str:
    return table.tables.format(only="true")


def _texts(store: Store, table: Table, recipe: Recipe, ids: pl.Series) -> list[str]:
    """The texts that duplicates are looked for in, in the order of `ids`."""
    return ask(
        store,
        f"""
        with {_every(table)}
        select {table.texts[recipe.by]} as text from rows
        where id in (select unnest($kept_ids::varchar[])) order by {table.order}
        """,
        kept_ids=ids.to_list(),
        **table.values,
    )["text"].to_list()


def _drawn(ids: pl.Series, seed: int) -> pl.Series:
    """A number for each id that depends on it and on `seed` alone: their order is a shuffle."""
    digests = (hashlib.sha256(f"{seed}:{id}".encode()).digest()[:8] for id in ids)
    return pl.Series([int.from_bytes(one, "big") for one in digests], dtype=pl.UInt64)


def _budgeted(rows: pl.DataFrame, recipe: Recipe) -> pl.Series:
    """The rows drawn until the next would pass the budget."""
    order = rows.select(
        place=pl.int_range(pl.len()), tokens=pl.col("tokens"), drawn=_drawn(rows["id"], recipe.seed)
    ).sort("drawn")
    kept = order.filter(pl.col("tokens").cum_sum() <= recipe.tokens)["place"]
    return pl.Series(range(rows.height), dtype=kept.dtype).is_in(kept.implode())


def _sum(rows: pl.DataFrame, table: Table) -> int | None:
    if not table.has_tokens or rows["tokens"].null_count():
        return None
    return int(rows["tokens"].sum())


def _quoted(name: str) -> str:
    assert name.isidentifier()  # a field of ours
    return f'"{name}"'
