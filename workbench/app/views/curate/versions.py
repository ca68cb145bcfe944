"""Part of the Curate page: stored versions of subsets, their lineage, and what differs."""

import contextlib
from collections.abc import Iterator

import polars as pl
import streamlit as st

from data.store import Store, ask
from data.subsets import KINDS, Recipe, SubsetVersion, difference, subset, subsets
from evals.curation import choose
from workbench.app import state
from workbench.app.components import choices, plain
from workbench.app.components.table import table
from workbench.app.views.curate import choice
from workbench.formatting import error_message

SHOWN = 50  # rows of a difference
VISIBLE = 6  # versions, and rows of a difference, that are visible without scrolling
BOTH = set(KINDS)


def browse() -> None:
    """All versions; one of them with its lineage; what differs from another."""
    versions = state.query(_subsets, reads=("subsets",))
    if not versions:
        st.info("No subset is saved yet. Build one and save it, or:")
        state.show_commands("subset new NAME --where FILTER")
        return
    table(
        [
            {
                "subset": one.label,
                "rows": one.n,
                "recipe": one.filter_text,
                "parent": one.parent,
                "author": one.author,
                "created": one.at,
            }
            for one in versions
        ],
        most=VISIBLE,
    )
    names = [one.label for one in versions]
    left, right = st.columns(2)
    first = choices.choose(left.selectbox, "Version", names, "first", format_func=plain,
                           missing="another version is shown")  # fmt: skip
    chosen = next(one for one in versions if one.label == first)
    # records and problems have nothing to compare
    alike = [
        one.label for one in versions if one != chosen and {one.of, chosen.of} - {None} != BOTH
    ]
    second = choices.choose(right.selectbox, "Compare with", ["", *alike], "second",
                            format_func=plain, missing="none is compared")  # fmt: skip
    _one(chosen, versions)
    if second:
        _differs(first, second)


def _one(chosen: SubsetVersion, versions: list[SubsetVersion]) -> None:
    line, by_label = [chosen], {one.label: one for one in versions}
    while (parent := by_label.get(line[-1].parent or "")) is not None:
        line.append(parent)
    st.header("Lineage")
    for depth, version in enumerate(line):
        of = "a recipe on the subset below:" if version.parent else "recipe:"
        st.text(f"{'  ' * depth}{plain(version.label)}: {version.n:,} rows, {of}")
        st.code(plain(version.filter_text), language=None, wrap_lines=True)
    runs = state.query(_trained_on, chosen.label, reads=("runs",))
    st.text(plain(f"Runs trained on it: {', '.join(runs) or 'none yet'}"))
    if chosen.of:
        _check(chosen)


def _check(version: SubsetVersion) -> None:
    """Whether the recipe would still choose the same rows."""
    fold = choices.fold("Re-run recipe", "check")
    if fold.open:
        with fold, _explained("The recipe cannot be run again."):
            now = choice.chosen(choice.resolved(choose.afresh(version.recipe)))
            if now is not None:
                _checked(choose.check(state.store(), subset(state.store(), version.label), now))


def _checked(now: dict) -> None:
    if now["same"]:
        st.success("The recipe still chooses these rows.")
    else:
        new, gone = len(now["new"]), len(now["gone"])
        st.warning(f"The recipe would now add {new:,} rows and drop {gone:,} of these.")
        for source, names in now["converters"].items():
            st.text(plain(f"{source}: converted by {names['version']}, now by {names['newest']}"))


@contextlib.contextmanager
def _explained(title: str) -> Iterator[None]:
    """Show a user's error as a message; a bug is raised as usual."""
    try:
        yield
    except ValueError as error:
        message = error_message(error)
        if message is None:
            raise
        st.error(title)
        st.text(state.readable_error(message))


def _differs(first: str, second: str) -> None:
    differences = state.query(_difference, first, second, reads=("subsets",))
    st.header("Differences")
    columns = st.columns(3)
    columns[0].metric("in both", f"{differences['both']:,}")
    sides = (("only_first", first), ("only_second", second))
    for column, (side, label) in zip(columns[1:], sides, strict=True):
        column.metric(f"only in the {side[5:]}", f"{len(differences[side]):,}")
        column.text(plain(label))
    for side, label in sides:
        if differences[side]:
            n = min(SHOWN, len(differences[side]))
            st.text(plain(f"Only in {label}: the first {n:,}"))
            with _explained("These rows cannot be shown, only counted."):
                rows = state.query(_rows, label, tuple(differences[side][:SHOWN]))
                table(rows, most=VISIBLE)


def _subsets(store: Store) -> list[SubsetVersion]:
    return subsets(store)


def _difference(store: Store, first: str, second: str) -> dict:
    return difference(subset(store, first), subset(store, second))


def _rows(store: Store, label: str, ids: tuple[str, ...]) -> pl.DataFrame:
    recipe: Recipe = subset(store, label).recipe
    rows = choose.page(store, recipe, list(ids), 1, SHOWN)
    lists = [name for name, kind in rows.schema.items() if isinstance(kind, pl.List)]
    return rows.with_columns(pl.col(lists).list.join(", ")) if lists else rows


def _trained_on(store: Store, label: str) -> list[str]:
    """Runs that have this version among their inputs."""
    rows = ask(
        store,
        """
        select run from runs where starts_with(inputs->>'$.subset', $label || ' ')
        order by run
        """,
        label=label,
    )
    return rows["run"].to_list()
