"""What a recipe chooses, for a page: at once where that is quick, else looked for apart from it."""

import hashlib
import time
from dataclasses import replace

import streamlit as st

from data.store import Store, version
from data.subsets import Choice, Recipe, of_json, to_json
from evals.subsets import choose
from workbench.app import state
from workbench.app.components import plain
from workbench.app.views.curate import background_search
from workbench.formatting import duration

FEW = 200  # rows that duplicates are looked for in at once: of 2,000 words each it takes a second
EVERY = 1.0  # [s] between two looks at a search
READS = ("conversions", "examples", "problems", "tokens")  # what texts and their counts hang on


def resolved(recipe: Recipe) -> Recipe:
    """`recipe` with what it leaves to the newest said by name."""
    return of_json(state.answer(_resolved, to_json(recipe)))


def before_duplicates(recipe: Recipe) -> Choice:
    """What a resolved recipe leaves before duplicates are looked for, which is quick."""
    return state.answer(_before, to_json(recipe))


def chosen(recipe: Recipe) -> Choice | None:
    """What a resolved recipe chooses; None while it is looked for, of which the page tells."""
    before = before_duplicates(recipe)
    if recipe.duplicates == "keep" and not recipe.sample and not recipe.tokens:
        return before
    if recipe.duplicates == "keep" or len(before.ids) <= FEW:
        return state.answer(_choice, to_json(recipe))
    of = state.answer(_rows, to_json(recipe))
    one = background_search.search(state.store(), to_json(recipe), of)
    if one.lives:
        st.fragment(_looked_for, run_every=EVERY)(recipe, of, len(before.ids))
    elif one.wrong:
        st.error("The search for duplicates ended without an answer:")
        st.code(plain(one.wrong), language=None, wrap_lines=True)
        st.button("Search again", on_click=background_search.forget,
                  args=(state.store(), to_json(recipe), of))  # fmt: skip
    return one.found


def _looked_for(recipe: Recipe, of: str, rows: int) -> None:
    """How long it has taken so far; once it is done, the page is drawn anew."""
    one = background_search.search(state.store(), to_json(recipe), of)
    if not one.lives:
        st.rerun()
    kind = "texts of the same words" if recipe.duplicates == "exact" else "texts nearly the same"
    so_far = (
        "it waits for other searches"
        if one.began is None
        else duration(time.monotonic() - one.began)
    )
    st.info(f"Looking for {kind} among {rows:,} rows: {so_far}", icon=":material/hourglass_top:")
    st.caption("All pages go on answering. Another choice starts another search.")


def _resolved(store: Store, recipe: str) -> str:
    return to_json(choose.resolve(store, of_json(recipe)))


def _choice(store: Store, recipe: str) -> Choice:
    return choose.choice(store, of_json(recipe))


def _before(store: Store, recipe: str) -> Choice:
    whole = of_json(recipe)
    return choose.choice(store, replace(whole, duplicates="keep", sample=0, tokens=0))


def _rows(store: Store, recipe: str) -> str:
    """A name for the rows that duplicates are looked for in; what changes other rows keeps it."""
    found = state.answer(_before, recipe)
    at = repr((found.ids, version(store, *READS)))
    return hashlib.sha256(at.encode()).hexdigest()
