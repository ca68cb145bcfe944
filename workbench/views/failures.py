"""Failures: generations found by what they are, and one of them beside its other stages."""

import streamlit as st

from evals import browse, browse_filter
from workbench import facets, keyboard, picking, reading, session, tagging
from workbench.keyboard import PAGE

SHOWN = (
    *("stage", "correct", "question", "gold", "extracted", "categories"),
    *("format", "tokens", "finish", "run", "sample", "problem_id"),
)

st.title("Failures")

filter = browse_filter.of_address(session.address())
index = session.index(filter.grader)
if not index.parts:
    st.info("There are no generations yet. Evaluate a model, or import what another made:")
    st.code(
        f"{session.FIRST}\nthinkbench import FILE --name RUN",
        language="shell",
    )
    st.stop()

left, right = st.columns([1, 3], gap="large")
with left:
    counts = session.browsed(browse.counts, filter, browse.UNTAGGED)
    counts |= session.browsed(browse.counts, filter, ("tag",), tags=True)
    facets.facets(counts, filter)

with right:
    total = session.browsed(browse.total, filter)
    tagging.bar(filter, total)
    if not total:
        st.info("No generation fits all that is chosen. Choose less on the left.")
        st.stop()
    pages = -(-total // PAGE)
    named = session.said("generation")
    number = min(keyboard.page_of(filter, named) if named else session.number("page"), pages)
    rows = session.browsed(browse.page, filter, number, PAGE)
    ids = rows["generation_id"].to_list()
    key = f"rows {filter.key()} {number}"
    picking.table(rows.select(*SHOWN), ids, key, facets.show, most=9)
    facets.pages(number, pages)
    reading.detail(filter, ids[0], number)
