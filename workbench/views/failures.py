"""Failures: generations found by what they are, and one of them beside its other stages."""

import streamlit as st

from evals import browse, browse_filter
from workbench import facets, reading, session, tagging
from workbench.texts import plain_columns

PAGE = 50  # rows
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
    facets.facets(session.browsed(browse.counts, filter), filter)

with right:
    total = session.browsed(browse.total, filter)
    tagging.bar(filter, total)
    if not total:
        st.info("No generation fits all that is chosen. Choose less on the left.")
        st.stop()
    pages = -(-total // PAGE)
    number = min(session.number("page"), pages)
    rows = session.browsed(browse.page, filter, number, PAGE)
    picked = st.dataframe(
        plain_columns(rows.select(*SHOWN)),
        hide_index=True,
        height=300,
        on_select="rerun",
        selection_mode="single-row",
        key=f"rows {filter.key()} {number} {session.said('generation')}",
    )
    if found := picked["selection"]["rows"]:
        session.go({"generation": rows["generation_id"][found[0]]})
        st.rerun()
    facets.pages(number, pages)
    reading.detail(filter, rows["generation_id"][0])
