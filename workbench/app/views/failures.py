"""Failures: generations found by what they are, and one of them beside its other stages."""

import streamlit as st

from workbench.app import state
from workbench.app.browse import facets, filter as browse_filter, pages as browse
from workbench.app.components import PAGE, generation, keyboard, row_picker, tagging

SHOWN = (
    *("stage", "correct", "question", "gold", "extracted", "categories"),
    *("format", "tokens", "finish", "run", "sample", "problem_id"),
)

st.title("Failures")

filter = browse_filter.of_address(state.address())
index = state.index(filter.grader)
if not index.parts:
    st.info("There are no generations yet. Evaluate a model, or import what another made:")
    st.code(
        f"{state.FIRST}\nthinkbench import FILE --name RUN",
        language="shell",
    )
    st.stop()

left, right = st.columns([1, 3], gap="large")
with left:
    counts = state.browsed(browse.counts, filter, browse.UNTAGGED)
    counts |= state.browsed(browse.counts, filter, ("tag",), tags=True)
    facets.facets(counts, filter)

with right:
    total = state.browsed(browse.total, filter)
    tagging.bar(filter, total)
    if not total:
        st.info("No generation fits all that is chosen. Choose less on the left.")
        st.stop()
    pages = -(-total // PAGE)
    named = state.said("generation")
    number = min(keyboard.page_of(filter, named) if named else state.number("page"), pages)
    rows = state.browsed(browse.page, filter, number, PAGE)
    ids = rows["generation_id"].to_list()
    key = f"rows {filter.key()} {number}"
    row_picker.table(rows.select(*SHOWN), ids, key, facets.show, most=9)
    facets.pages(number, pages)
    generation.detail(filter, ids[0], number)
