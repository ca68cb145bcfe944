"""What a recipe chooses, for a page: computed at once if that is quick, else in the background."""

import hashlib
import time
from dataclasses import replace

import streamlit as st

from data.store import Store, version
from data.subsets import Choice, Recipe, of_json, to_json
from evals.curation import choose
from workbench.app import state
from workbench.app.components import plain
from workbench.app.frame import explained
from workbench.app.views.curate import background_search
from workbench.formatting import duration

FEW = 200  # rows that are searched for duplicates at once: a second for 2,000 words each
EVERY = 1.0  # [s] between two looks at a search
READS = ("conversions", "examples", "problems", "tokens")  # of texts and their token counts


def resolved(recipe: Recipe) -> Recipe:
    """`recipe` with names in place of defaults such as the newest run."""
    return of_json(state.query(_resolved, to_json(recipe)))


def before_duplicates(recipe: Recipe) -> Choice:
    """What a resolved recipe chooses before duplicates are removed, which is quick."""
    return state.query(_before, to_json(recipe))


def chosen(recipe: Recipe) -> Choice | None:
    """What a resolved recipe chooses; None while a search runs, whose progress the page shows."""
    before = before_duplicates(recipe)
    if recipe.duplicates == "keep" and not recipe.sample and not recipe.tokens:
        return before
    if recipe.duplicates == "keep" or len(before.ids) <= FEW:
        return state.query(_choice, to_json(recipe))
    of = state.query(_rows, to_json(recipe))
    one = background_search.search(state.store(), to_json(recipe), of)
    if one.is_pending:
        st.fragment(explained()(_progress), run_every=EVERY)(recipe, of, len(before.ids))
    elif one.error:
        st.error("The search for duplicates failed:")
        st.code(plain(one.error), language=None, wrap_lines=True)
        st.button("Search again", on_click=background_search.forget,
                  args=(state.store(), to_json(recipe), of))  # fmt: skip
    return one.result


def _progress(recipe: Recipe, of: str, rows: int) -> None:
    """The time it has taken so far; once it is done, the page is rerun."""
    one = background_search.search(state.store(), to_json(recipe), of)
    if not one.is_pending:
        st.rerun()
    kind = "exact duplicates" if recipe.duplicates == "exact" else "near duplicates"
    so_far = (
        "waiting for other searches"
        if one.began is None
        else duration(time.monotonic() - one.began)
    )
    st.info(f"Searching for {kind} among {rows:,} rows: {so_far}", icon=":material/hourglass_top:")
    st.caption("All pages stay responsive. Another choice starts another search.")


def _resolved(store: Store, recipe: str) -> str:
    return to_json(choose.resolve(store, of_json(recipe)))


def _choice(store: Store, recipe: str) -> Choice:
    return choose.choice(store, of_json(recipe))


def _before(store: Store, recipe: str) -> Choice:
    whole = of_json(recipe)
    return choose.choice(store, replace(whole, duplicates="keep", sample=0, tokens=0))


def _rows(store: Store, recipe: str) -> str:
    """A name of the rows that are searched; changes of other rows do not change it."""
    before = state.query(_before, recipe)
    at = repr((before.ids, version(store, *READS)))
    return hashlib.sha256(at.encode()).hexdigest()
