"""Part of the Overview: the newest runs, with the names and notes that people give them."""

from typing import Any

import polars as pl
import streamlit as st

from data.store import BadEntry, note_run
from workbench.app import address, state
from workbench.app.components import plain
from workbench.app.components.row_picker import row_picker
from workbench.formatting import duration
from workbench.jobs import run_list
from workbench.lookup import recent_runs

OF_DATA = ("ingest", "convert", "tokens", "release")  # kinds that are hidden at first
NOTES = 2_000  # characters


def recent() -> None:
    """The newest runs as a table; a click on one opens its name and notes."""
    st.header("Recent runs")
    st.session_state["all runs"] = address.value("all") == "runs"
    st.toggle("Ingestions and conversions too", key="all runs", on_change=_toggle)
    listed = run_list(state.store())  # not cached: a run that is killed changes no table
    costs = {row["run"]: row for row in state.query(recent_runs).iter_rows(named=True)}
    if not st.session_state["all runs"]:
        listed = [row for row in listed if row["kind"] not in OF_DATA]
    rows = [_row(row, costs.get(row["run"], {})) for row in listed]
    ids = [row["run"] for row in listed]
    if rows:
        key = f"recent runs {st.session_state['all runs']}"
        row_picker(pl.DataFrame(rows, infer_schema_length=None), ids, key, _open, most=12)
    for row in listed:
        if row["run"] == address.value("named"):
            _name_and_notes(row)


def _row(row: dict[str, Any], cost: dict[str, Any]) -> dict[str, Any]:
    seconds = cost.get("seconds")
    return {
        "name": row["name"],
        "state": row["state"],
        "kind": cost.get("kind", row["kind"]),
        "duration": "" if seconds is None else duration(seconds),
        "tokens": cost.get("tokens"),
        "notes": row["notes"],
        "run": row["run"],
    }


def _name_and_notes(row: dict[str, Any]) -> None:
    st.text(plain(f"{row['name']}\n{row['notes']}".strip()))
    if not state.may_write():
        return
    with st.form(f"notes of {row['run']}"):
        left, right = st.columns([1, 2])
        name = left.text_input("Name", row["own_name"], max_chars=60)
        notes = right.text_area("Notes", row["notes"], max_chars=NOTES, height=80)
        sent = st.form_submit_button("Save")
    if sent:
        try:
            note_run(state.store(), row["run"], name or "", notes or "", state.author())
        except BadEntry as error:
            st.error("The name could not be saved.")
            st.text(state.readable_error(error))
        else:
            st.rerun()


def _toggle() -> None:
    address.go({"all": "runs" if st.session_state["all runs"] else None})


def _open(run: str) -> None:
    address.go({"named": run})
