"""Lineage: where a generation or a record came from, and failures on problems similar to it."""

import streamlit as st

from data.audit import queries
from data.errors import UserError
from data.store import Store, ask
from workbench.app import address, state
from workbench.app.components import choices, plain
from workbench.app.views.lineage import chain, similar
from workbench.lookup import finished_evaluations, nearby_failures, trace_back

st.title("Lineage")


def defects(store: Store) -> list[str]:
    """The names of all defects of all conversions."""
    rows = ask(
        store, "select distinct unnest(defects).phrase as phrase from conversions order by 1"
    )
    return rows["phrase"].to_list()


def go() -> None:
    address.go({"id": st.session_state["lineage id"].strip(), "defect": None})


if state.query(queries.conversions).is_empty() and state.query(finished_evaluations).is_empty():
    st.info("There is nothing to trace yet. The full pipeline makes records, runs and generations:")
    state.show_commands(state.FIRST_COMMAND)
    st.stop()

left, middle, right = st.columns([3, 2, 2])
st.session_state["lineage id"] = address.value("id")
left.text_input("Generation or record ID", key="lineage id", on_change=go, max_chars=300,
                placeholder="as shown on Generations and Audit")  # fmt: skip
phrases = ["", *state.query(defects, reads=("conversions",))]
defect = choices.choose(middle.selectbox, "Defect to trace forward", phrases, "defect")
runs = state.query(finished_evaluations).sort("ended_at", descending=True)["run"].to_list()
run = choices.choose(right.selectbox, "Evaluated in run", runs, "run",
                     format_func=state.name_of) if runs else None  # fmt: skip
traced_id = "" if defect else address.value("id").strip()
if not traced_id and not defect:
    st.info("Paste the ID of a generation or a record, or choose a defect.")
    st.stop()

try:
    kind, steps = state.query(trace_back, traced_id) if traced_id else ("defect", [])
except UserError as error:
    st.error("This cannot be traced:")
    st.text(state.readable_error(error))
    st.stop()

near, refusal = None, None
if run and kind != "generation":
    try:
        near = state.query(nearby_failures, traced_id or None, defect or None, run, None)
    except UserError as error:
        refusal = str(error)  # the way back needs no scores, and is shown all the same

lines = chain.lines(steps)
if lines:
    st.html(chain.drawn(lines))
if refusal is not None:
    st.error("The failures near it cannot be listed:")
    st.text(plain(refusal))
if near is not None:
    similar.failures(near)
if lines:
    similar.details(lines)
