"""Curation: resolve a recipe, choose its rows, save them as a subset version, check a version."""

from dataclasses import replace
from typing import Any

import polars as pl

from data.audit import queries
from data.store import Store, annotations, snapshot
from data.subsets import (
    SHOWN as OF_RECORDS,
    Choice,
    Recipe,
    Subset,
    Table,
    converters_of,
    last_tokenizer,
    record_table,
    select,
    subset,
    to_json,
)
from evals.curation import empty_results
from evals.curation.problem_fields import (
    QUARANTINED,
    SHOWN as OF_PROBLEMS,
    finished_run,
    problem_table,
)


def resolve(store: Store, recipe: Recipe) -> Recipe:
    """`recipe` with "the newest" replaced by names, so that it can be repeated."""
    if recipe.parent:
        parent = subset(store, recipe.parent)
        if parent.of != recipe.of:
            raise annotations.BadEntry(
                f"{parent.label} is a subset of {parent.of}; expected a subset of {recipe.of}."
            )
        recipe = replace(recipe, parent=parent.label)
    if not recipe.converters:
        newest = zip(*queries.newest_of(store, recipe.sources), strict=True)
        recipe = replace(recipe, converters=tuple(sorted(newest)))
    if recipe.of == "records":
        return replace(recipe, tokenizer=recipe.tokenizer or last_tokenizer(store), run="")
    return replace(recipe, run=finished_run(store, recipe.run, recipe.where), tokenizer="")


def afresh(recipe: Recipe) -> Recipe:
    """The recipe of a version, to choose by the newest conversions again."""
    return replace(recipe, converters=())


def table(store: Store, recipe: Recipe) -> Table:
    """The rows from which a resolved recipe chooses."""
    if recipe.of == "records":
        return record_table(store, recipe.sources, recipe.tokenizer, dict(recipe.converters))
    return problem_table(store, recipe.sources, recipe.run, recipe.grader)


def choice(store: Store, recipe: Recipe) -> Choice:
    """The rows that `recipe` chooses now, and how many each of its steps removes."""
    with snapshot(store) as moment:
        recipe = resolve(moment, recipe)
        parent = list(subset(moment, recipe.parent).ids) if recipe.parent else None
        return select.chosen(moment, table(moment, recipe), recipe, parent)


def advice(store: Store, recipe: Recipe) -> str:
    """What to do where `recipe` chooses no row."""
    with snapshot(store) as moment:
        recipe = resolve(moment, recipe)
        return empty_results.advice(moment, table(moment, recipe), recipe)


def page(store: Store, recipe: Recipe, ids: list[str], number: int, size: int) -> pl.DataFrame:
    """One page of the rows chosen by a resolved recipe: id and the shown columns. number: from 1"""
    columns: list[str] = list(OF_RECORDS if recipe.of == "records" else OF_PROBLEMS)
    with snapshot(store) as moment:
        return select.preview(moment, table(moment, recipe), ids, columns, number, size)


def left_out(store: Store, version: Subset, ids: list[str]) -> dict[str, str]:
    """Id -> why training leaves it out by now: what a person quarantined, a test row, and the like.

    ids: of rows of `version`. Problems stay whatever a conversion made of their records.
    """
    with snapshot(store) as moment:
        rows = table(moment, version.recipe)
        if version.of == "problems":
            never = {reason: sql for reason, sql in rows.never.items() if reason != QUARANTINED}
            rows = replace(rows, never=never)
        return select.never_now(moment, rows, ids)


def save(
    store: Store, name: str, recipe: Recipe, author: str, chosen: Choice | None = None
) -> tuple[Subset, Choice]:
    """Save the rows that `recipe` chooses as a version of `name`.

    Returns the existing version if nothing differs. chosen: the choice, if already computed
    """
    name = name.strip()
    if "@" in name:
        raise annotations.BadEntry(
            f"{name!r} contains @, which separates a name from a version. Remove it."
        )
    with snapshot(store) as moment:
        recipe = resolve(moment, recipe)
        chosen = chosen or choice(moment, recipe)
    if not chosen.ids:
        steps = "; ".join(
            f"{step.name}: {step.taken:,} removed, {step.left:,} left" for step in chosen.steps
        )
        raise annotations.BadEntry(
            f"subset {name!r} would be empty ({steps}). {advice(store, recipe)}"
        )
    version = annotations.save_subset(
        store, name, to_json(recipe), chosen.ids, recipe.parent or None, author
    )
    return subset(store, f"{name}@{version}"), chosen


def check(store: Store, version: Subset, chosen: Choice | None = None) -> dict[str, Any]:
    """Compare a version with what its recipe chooses now: new and gone rows.

    chosen: the choice by `afresh`, if already computed

    converters: source -> the version's converter and the newest, where these differ
    """
    recipe = resolve(store, afresh(version.recipe))
    now, saved = set((chosen or choice(store, recipe)).ids), set(version.ids)
    before = {source: name for source, (name, _) in converters_of(store, version).items()}
    converters = {
        source: {"version": before[source], "newest": newest}
        for source, newest in recipe.converters
        if source in before and before[source] != newest
    }
    return {
        **version.to_json(),
        "same": now == saved and not converters,
        "converters": converters,
        "new": sorted(now - saved),
        "gone": sorted(saved - now),
    }
