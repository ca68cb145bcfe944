"""Curation: what a recipe chooses now, kept as a version of a subset; whether that still holds."""

from dataclasses import replace
from typing import Any

import polars as pl

from data.store import Store, annotations
from data.subsets import (
    SHOWN as OF_RECORDS,
    Choice,
    Recipe,
    Subset,
    Table,
    last_tokenizer,
    record_table,
    select,
    subset,
    to_json,
)
from evals.subsets.problem_fields import SHOWN as OF_PROBLEMS, newest_grpo, problem_table


def resolved(store: Store, recipe: Recipe) -> Recipe:
    """`recipe` with what it leaves to the newest said by name, so that it can be run again."""
    if recipe.parent:
        parent = subset(store, recipe.parent)
        if parent.of != recipe.of:
            raise annotations.BadEntry(
                f"{parent.label} holds {parent.of}; expected a subset of {recipe.of}."
            )
        recipe = replace(recipe, parent=parent.label)
    if recipe.of == "records":
        return replace(recipe, tokenizer=recipe.tokenizer or last_tokenizer(store), run="")
    return replace(recipe, run=recipe.run or newest_grpo(store), tokenizer="")


def table(store: Store, recipe: Recipe) -> Table:
    """The rows that a resolved recipe chooses from."""
    if recipe.of == "records":
        return record_table(store, recipe.sources, recipe.tokenizer)
    return problem_table(store, recipe.sources, recipe.run, recipe.grader)


def choice(store: Store, recipe: Recipe) -> Choice:
    """What `recipe` chooses now, and what each of its steps takes away."""
    recipe = resolved(store, recipe)
    parent = list(subset(store, recipe.parent).ids) if recipe.parent else None
    return select.chosen(store, table(store, recipe), recipe, parent)


def page(store: Store, recipe: Recipe, ids: list[str], number: int, size: int) -> pl.DataFrame:
    """One page of the rows that a `resolved` recipe chose: id and what is shown. number: from 1"""
    shown: list[str] = list(OF_RECORDS if recipe.of == "records" else OF_PROBLEMS)
    return select.preview(store, table(store, recipe), ids, shown, number, size)


def save(
    store: Store, name: str, recipe: Recipe, author: str, found: Choice | None = None
) -> tuple[Subset, Choice]:
    """Keep what `recipe` chooses as a version of `name`; the one there is where nothing differs.

    found: what it chooses, where that is known
    """
    name = name.strip()
    if "@" in name:
        raise annotations.BadEntry(
            f"{name!r} holds an @, which stands before a version. Leave it out."
        )
    recipe = resolved(store, recipe)
    found = found or choice(store, recipe)
    if not found.ids:
        steps = "; ".join(
            f"{one.name}: {one.taken:,} away, {one.left:,} left" for one in found.steps
        )
        raise annotations.BadEntry(f"subset {name!r} would be empty ({steps}). Widen its filter.")
    version = annotations.save_subset(
        store, name, to_json(recipe), found.ids, recipe.parent or None, author
    )
    return subset(store, f"{name}@{version}"), found


def check(store: Store, of: Subset, found: Choice | None = None) -> dict[str, Any]:
    """Which rows its recipe would choose now and did not, and the other way round.

    found: what it chooses now, where that is known
    """
    now, kept = set((found or choice(store, of.recipe)).ids), set(of.ids)
    return {
        **of.to_json(),
        "same": now == kept,
        "new": sorted(now - kept),
        "gone": sorted(kept - now),
    }
