"""The result of a recipe on the Curate page: counts after each step, the rows, and saving them."""

from urllib.parse import urlencode

import polars as pl
import streamlit as st

from data.store import Store, annotations
from data.subsets import Choice, FilterError, NoSuchSubset, NoSuchValue, Recipe, of_json, to_json
from evals.curation import NotMeasured, choose
from workbench.app import address, state
from workbench.app.components import charts, plain, prev_next
from workbench.app.components.table import table
from workbench.app.views.curate import choice, subset_labels

PAGE = 50  # rows
# step of a recipe, as data.subsets and evals.curation name it -> its label: the rows that remain
STEPS = {
    "all there are": "all rows",
    "no example": "not convertible removed",
    "held back by a person": "excluded manually removed",
    "of a test split": "test or validation split removed",
    "outside the filter": "after filter",
}


def chosen(recipe: Recipe) -> None:
    """What the recipe chooses; if it cannot be read, where the error is."""
    try:
        with st.spinner("Choosing"):
            recipe = choice.resolved(recipe)
            before = choice.before_duplicates(recipe)
    except FilterError as error:
        st.error("This filter cannot be read:")
        position = min(error.position, len(recipe.where))
        line = " ".join(plain(recipe.where).splitlines())
        message = f"{line}\n{' ' * position}^\n{state.readable_error(error)}"
        st.code(message, language=None, wrap_lines=True)
    except (annotations.BadEntry, NoSuchSubset, NoSuchValue, NotMeasured) as error:
        st.error("This cannot be chosen:")
        st.text(state.readable_error(error))
    else:
        _result(recipe, before)


def _result(recipe: Recipe, before: Choice) -> None:
    """The rows that remain after each step, a page of the chosen rows, and a form to save them.

    before: the choice before duplicates are removed
    """
    title = st.container()
    final = choice.chosen(recipe)
    current = final or before
    tokens = "" if current.tokens is None else f", {current.tokens:,} tokens"
    suffix = "" if final else ", before removing duplicates"
    title.header(f"{len(current.ids):,} rows{tokens}{suffix}")
    if recipe.run:
        title.text(plain(f"Pass rates are of the run {recipe.run}."))
    labels = {step.name: STEPS.get(step.name, step.name) for step in current.steps}
    remaining = {plain(labels[step.name]): step.left for step in current.steps}
    st.altair_chart(charts.funnel(remaining, charts.text_colour()))
    table(
        [
            {"step": labels[step.name], "removed": step.taken, "remaining": step.left}
            for step in current.steps
        ]
    )
    if final is None:
        return
    if not final.ids:
        st.info("No row remains.")
        st.text(plain(state.query(_advice, to_json(recipe))))
        return
    if state.may_write():
        _save(recipe, final)
    last_page = -(-len(final.ids) // PAGE)
    number = min(address.number("page"), last_page)
    ids = tuple(final.ids[(number - 1) * PAGE : number * PAGE])
    table(_readable(state.query(_page, to_json(recipe), ids)), most=12)
    prev_next.page_buttons(number, last_page)


def _advice(store: Store, recipe: str) -> str:
    return choose.advice(store, of_json(recipe))


def _save(recipe: Recipe, final: Choice) -> None:
    with st.form("save subset", border=False):
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        name = left.text_input("Name of the subset", max_chars=100)
        sent = right.form_submit_button("Save", type="primary", width="stretch")
    if not sent:
        return
    before = subset_labels.kinds()
    try:
        subset, _ = choose.save(state.store(), name, recipe, state.author(), final)
    except annotations.BadEntry as error:
        st.error("The subset could not be saved.")
        st.text(state.readable_error(error))
        return
    knob = "data.subset" if recipe.of == "records" else "data.problem_subset"
    if subset.label in before:
        st.info("This version exists already, with the same rows.")
    else:
        st.success("Saved.")
    st.text(plain(f"{subset.label}: {subset.n:,} rows"))
    verb = "sft" if recipe.of == "records" else "grpo"
    st.link_button("Train on it", f"train?{urlencode({'verb': verb, knob: subset.label})}")


def _readable(rows: pl.DataFrame) -> pl.DataFrame:
    """Lists as text, and the id last."""
    lists = [name for name, kind in rows.schema.items() if isinstance(kind, pl.List)]
    joined = rows.with_columns(pl.col(lists).list.join(", ")) if lists else rows
    return joined.select(pl.exclude("id"), "id")


def _page(store: Store, recipe: str, ids: tuple[str, ...]) -> pl.DataFrame:
    return choose.page(store, of_json(recipe), list(ids), 1, PAGE)
