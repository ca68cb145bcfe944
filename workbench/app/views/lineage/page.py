"""Lineage: where a generation or a record came from, and which failures are near a record."""

import streamlit as st

from data.audit import queries
from data.errors import UserError
from data.store import Store, ask
from workbench.app import state
from workbench.app.components import plain
from workbench.app.views.lineage import chain, similar
from workbench.lookup import finished_evaluations, nearby_failures, trace_back

st.title("Lineage")


def defects(store: Store) -> list[str]:
    """Every defect that a conversion found."""
    found = ask(
        store, "select distinct unnest(defects).phrase as phrase from conversions order by 1"
    )
    return found["phrase"].to_list()


def go() -> None:
    state.go({"id": st.session_state["lineage id"].strip(), "defect": None})


if state.answer(queries.conversions).is_empty() and state.answer(finished_evaluations).is_empty():
    st.info("There is nothing to trace yet. The whole job makes records, runs and generations:")
    st.code(state.FIRST, language="shell")
    st.stop()

left, middle, right = st.columns([3, 2, 2])
st.session_state["lineage id"] = state.said("id")
left.text_input("Generation or record", key="lineage id", on_change=go, max_chars=300,
                placeholder="an id, as Failures and Audit show it")  # fmt: skip
phrases = ["", *state.answer(defects, reads=("conversions",))]
defect = state.chosen(middle.selectbox, "Failures near a defect", phrases, "defect")
runs = state.answer(finished_evaluations).sort("ended_at", descending=True)["run"].to_list()
run = state.chosen(right.selectbox, "Failures of the run", runs, "run") if runs else None
id = "" if defect else state.said("id").strip()
if not id and not defect:
    st.info("Paste the id of a generation or a record, or choose a defect.")
    st.stop()

try:
    kind, steps = state.answer(trace_back, id) if id else ("defect", [])
    near = None
    if run and kind != "generation":
        near = state.answer(nearby_failures, id or None, defect or None, run, "strict")
except UserError as error:
    st.error("This cannot be traced:")
    st.text(plain(str(error)))
    st.stop()

found = chain.lines(steps)
if found:
    st.html(chain.drawn(found))
if near is not None:
    similar.failures(near)
if found:
    similar.details(found)
