"""Generations, filtered by facets, and one of them beside its other stages."""

import streamlit as st

from evals.judge import PREFIX
from evals.scores import ungraded_runs
from workbench.app import address, state
from workbench.app.browse import of_address, pages
from workbench.app.components import plain, prev_next
from workbench.app.components.row_picker import row_picker
from workbench.app.views.failures import facets, keyboard, tagging
from workbench.app.views.failures.detail import detail

COLUMNS = (
    *("stage", "correct", "question", "gold", "extracted", "categories"),
    *("format", "tokens", "finish", "run", "sample", "problem_id"),
)

LISTED = 10  # names of hidden runs
TITLES = {"gold": "reference answer", "categories": "error types", "finish": "stop reason"}

st.title("Generations")

where = of_address(address.parameters())
index = state.index(where.grader)
if hidden := state.query(ungraded_runs, where.grader, reads=("scores", "runs")):
    st.warning(f"Runs that {where.grader} has not graded are not shown ({len(hidden):,}):")
    st.text(plain(", ".join(hidden[:LISTED]) + (" …" if len(hidden) > LISTED else "")))
    one_run = f"{hidden[0]} " if where.grader.startswith(PREFIX) else ""  # a judge costs something
    state.show_commands(f"grade {one_run}--grader {where.grader}")
if not index.parts:
    st.info("There are no generations yet. Evaluate a model, or import generations:")
    state.show_commands(state.FIRST_COMMAND, "import FILE --name RUN")
    st.stop()

left, right = st.columns([1, 3], gap="large")
with left:
    counts = state.query_index(pages.counts, where, pages.WITHOUT_TAG)
    counts |= state.query_index(pages.counts, where, ("tag",), tags=True)
    facets.facets(counts, where)

with right:
    if misspelt := state.query_index(pages.misspelt, where):
        for problem in misspelt[:LISTED]:
            st.error(plain(problem))
        st.stop()
    total = state.query_index(pages.total, where)
    tagging.bar(where, total)
    if not total:
        st.info("No generation matches the filter. Remove a filter on the left.")
        st.stop()
    last_page = -(-total // keyboard.PAGE)
    named = address.value("generation")
    number = keyboard.page_of(where, named) if named else address.number("page")
    number = min(number, last_page)
    rows = state.query_index(pages.page, where, number, keyboard.PAGE)
    ids = rows["generation_id"].to_list()
    key = f"rows {where.key()} {number}"
    row_picker(facets.labelled(rows.select(*COLUMNS)), ids, key, facets.show, most=9, titles=TITLES)
    prev_next.page_buttons(number, last_page)
    detail(where, ids[0], number)
