"""Selection of a subset from all rows, step by step, with a count of what each step removes."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import polars as pl

from data.duplicates import repeats
from data.errors import UserError
from data.store import Store, ask
from data.subsets.filter_language import Field, condition, named_values
from data.subsets.recipe import Recipe

ABSENT = "no longer in the store"
NEAREST = 3  # existing values that an error names
LONGEST_VALUE = 60  # [characters] of such a value


class NoSuchValue(UserError):
    """A filter names a value that no row has, and rows have a similar one.

    Only of a filter that nothing fits, or of a value that is excluded: of `a or b` one is enough.
    """


@dataclass(frozen=True)
class Table:
    """Rows that a filter may select from.

    tables:  common table expressions, of which `rows` has a column `id` and those of `fields`;
             with {only} as a further condition wherever rows are read, and {current} where rows of
             older conversions are read, which no recipe chooses but an older version may hold
    narrow:  that condition, for the few ids bound as $page_ids: with list_contains, which DuckDB
             applies before the windows of a view, where `in (select ...)` comes after them
    values:  values bound in them
    order:   columns; of duplicates the first row in this order stays
    texts:   the texts compared for duplicates: by -> expression
    never:   rows that no subset may hold: reason -> condition
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
    """One step: how many rows it removed, and how many are left."""

    name: str
    taken: int
    left: int


@dataclass(frozen=True)
class Choice:
    """The result of a recipe: sorted ids, the steps, and the sum of tokens (None: unknown)."""

    ids: list[str]
    steps: list[Step]
    tokens: int | None


def chosen(store: Store, table: Table, recipe: Recipe, parent: list[str] | None = None) -> Choice:
    """Apply the steps of `recipe` to the rows of `table`.

    parent: the ids of the subset to select from
    """
    rows = _rows(store, table, recipe, parent)
    _check_values(store, table, recipe, bool(rows["fits"].any()))
    steps = [Step("all there are", 0, rows.height)]

    def keep(name: str, mask: pl.Series) -> None:
        nonlocal rows
        left = rows.filter(mask)
        steps.append(Step(name, rows.height - left.height, left.height))
        rows = left

    for i, reason in enumerate(table.never):
        keep(reason, ~rows[f"never_{i}"].fill_null(True))
    if parent is not None:
        keep(f"not in {recipe.parent}", rows["of_parent"])
    if recipe.where.strip():
        keep("outside the filter", rows["fits"].fill_null(False))
    if recipe.duplicates != "keep":
        originals = repeats(_texts(store, table, recipe, rows["id"]), recipe.duplicates == "near")
        is_first = pl.Series([original is None for original in originals], dtype=pl.Boolean)
        keep(f"{recipe.duplicates} duplicates", is_first)
    if recipe.tokens:
        keep("tokens unknown", rows["tokens"].is_not_null())
        keep("beyond the budget of tokens", _budgeted(rows, recipe))
    if recipe.sample:
        keep("not drawn", _drawn(rows["id"], recipe.seed).rank("ordinal") <= recipe.sample)
    return Choice(rows["id"].sort().to_list(), steps, _sum(rows, table))


def _check_values(store: Store, table: Table, recipe: Recipe, any_fits: bool) -> None:
    """NoSuchValue where a value is probably misspelt that is excluded, or that nothing fits.

    Only fields of few values are read: not the texts of rows, which may be long.
    """
    existing: dict[str, list[str]] = {}
    for name, value, is_excluded in named_values(recipe.where, table.fields):
        if table.fields[name].long or (any_fits and not is_excluded):
            continue
        if name not in existing:
            existing[name] = _values_of(store, table, name)
        if value in existing[name]:
            continue
        near = get_close_matches(value, existing[name], NEAREST)
        if not near:  # a value that no row has yet, such as a tag
            continue
        effect = "the filter excludes nothing by it" if is_excluded else "nothing fits the filter"
        raise NoSuchValue(
            f"no row has {name} = {value!r}, so {effect}; expected a value that rows have, such as"
            f" {', '.join(text[:LONGEST_VALUE] for text in near)}."
        )


def _values_of(store: Store, table: Table, name: str) -> list[str]:
    """The values that rows have of a field, sorted."""
    field = table.fields[name]
    one = f"unnest({field.sql})" if field.kind == "set" else field.sql
    values = ask(
        store,
        f"with {_all_rows(table)} select distinct ({one})::varchar as value from rows",
        **table.values,
    )["value"]
    return sorted(values.drop_nulls())


def preview(
    store: Store, table: Table, ids: list[str], columns: list[str], number: int, size: int
) -> pl.DataFrame:
    """One page of the rows with these ids: id and `columns`. number: of the page, from 1"""
    names = ", ".join(f"{table.fields[name].sql} as {_quoted(name)}" for name in columns)
    return ask(
        store,
        f"""
        with {table.tables.format(only=table.narrow, current="true")}
        select id, {names} from rows
        where id in (select unnest($page_ids::varchar[])) order by {table.order}
        """,
        page_ids=sorted(ids)[(number - 1) * size : number * size],
        **table.values,
    )


def never_now(store: Store, table: Table, ids: list[str]) -> dict[str, str]:
    """Id -> the first reason of `never` that a row of a subset has by now, or ABSENT."""
    cases = " ".join(f"when {sql} then '{reason}'" for reason, sql in table.never.items())
    rows = ask(
        store,
        f"""
        with {table.tables.format(only=table.narrow, current="true")}
        select id, case {cases} end as reason from rows
        where id in (select unnest($page_ids::varchar[]))
        """,
        page_ids=ids,
        **table.values,
    )
    reasons = dict(rows.iter_rows())
    return {one: why for one in ids if (why := reasons.get(one, ABSENT)) is not None}


def _rows(store: Store, table: Table, recipe: Recipe, parent: list[str] | None) -> pl.DataFrame:
    """id, tokens (of records), and which conditions each row meets."""
    where, values = condition(recipe.where, table.fields)
    values |= table.values
    columns = [f"({sql}) as never_{i}" for i, sql in enumerate(table.never.values())]
    columns += [f"({where}) as fits"]
    if table.has_tokens:
        columns.append(f"{table.fields['tokens'].sql} as tokens")
    if parent is not None:
        columns.append("id in (select unnest($parent_ids::varchar[])) as of_parent")
        values["parent_ids"] = parent
    # the order matters only for which of several duplicates is the first
    order = "" if recipe.duplicates == "keep" else f"order by {table.order}"
    query = f"with {_all_rows(table)} select id, {', '.join(columns)} from rows {order}"
    return ask(store, query, **values)


def _all_rows(table: Table) -> str:
    return table.tables.format(only="true", current="is_current")


def _texts(store: Store, table: Table, recipe: Recipe, ids: pl.Series) -> list[str]:
    """The texts to compare for duplicates, in the order of `ids`."""
    return ask(
        store,
        f"""
        with {_all_rows(table)}
        select {table.texts[recipe.by]} as text from rows
        where id in (select unnest($kept_ids::varchar[])) order by {table.order}
        """,
        kept_ids=ids.to_list(),
        **table.values,
    )["text"].to_list()


def _drawn(ids: pl.Series, seed: int) -> pl.Series:
    """A number for each id, by the id and `seed` alone: their order is a shuffle."""
    digests = (hashlib.sha256(f"{seed}:{row_id}".encode()).digest()[:8] for row_id in ids)
    return pl.Series([int.from_bytes(digest, "big") for digest in digests], dtype=pl.UInt64)


def _budgeted(rows: pl.DataFrame, recipe: Recipe) -> pl.Series:
    """Which rows are drawn: in random order, until the next would exceed the budget."""
    order = rows.select(
        row=pl.int_range(pl.len()), tokens=pl.col("tokens"), drawn=_drawn(rows["id"], recipe.seed)
    ).sort("drawn")
    within = order.filter(pl.col("tokens").cum_sum() <= recipe.tokens)["row"]
    return pl.Series(range(rows.height), dtype=within.dtype).is_in(within.implode())


def _sum(rows: pl.DataFrame, table: Table) -> int | None:
    if not table.has_tokens or rows["tokens"].null_count():
        return None
    return int(rows["tokens"].sum())


def _quoted(name: str) -> str:
    assert name.isidentifier()  # names of fields are fixed
    return f'"{name}"'
