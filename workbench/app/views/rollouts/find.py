"""Part of the Rollouts page: named questions and filters over all rollouts of the run."""

from dataclasses import replace
from typing import Any

import polars as pl
import streamlit as st

from data.subsets import FilterError
from evals.rollouts import QUESTIONS, Browse, ask_about, graded_by, verdict_grader
from workbench.app import address, state
from workbench.app.components import choices
from workbench.app.components.row_picker import row_picker
from workbench.app.views.rollouts.histogram import BIN, filter_of_bin

LIMIT = 200  # rows of the table
READS = ("rollouts", "problems", "rollout_scores", "rollout_failures")
COLUMNS = ("kind", "step", "group", "sample", "reward", "advantage", "verdict", "extracted", "gold",
           "tokens", "finish", "copies", "text")  # fmt: skip
FIELD = "rollouts-where"  # of the address
WENT = "find went to a group"  # of the session
QUICK = {
    "rewarded-but-incorrect": "Rewarded but incorrect",
    "incorrect-with-positive-advantage": "Incorrect with positive advantage",
    "zero-variance-groups": "Zero-variance groups",
}


@st.fragment
def find(run: str) -> None:
    """A table of the rollouts that answer a question; a click shows the group of a row."""
    if st.session_state.pop(WENT, False):
        st.rerun()  # the whole page: the groups are another part of it
    _quick_questions()
    graders = state.query(graded_by, run, reads=("rollout_scores",))
    fold = choices.fold("Find rollouts: what was rewarded, punished, repeated", "find")
    if not fold.open:
        return
    with fold:
        if not graders:
            st.info("The rollouts of this run have no verdicts yet. This grades them:")
            st.code(f"thinkbench rollouts facets --run {run}")
            return
        _questions(run, graders)


def _quick_questions() -> None:
    """A button for each of the questions that are asked first."""
    with st.container(horizontal=True):
        for name, label in QUICK.items():
            asks = {"find": "true", "question": name, FIELD: None, BIN: None}
            st.button(label, key=f"quick {name}", on_click=address.go, args=(asks,))


def _questions(run: str, graders: list[str]) -> None:
    best = state.query(verdict_grader, run, reads=("runs",))
    left, middle, right = st.columns([2, 3, 1])
    name = choices.choose(left.selectbox, "Question", list(QUESTIONS), "question", clears=(BIN,))
    where = _where(middle)
    grader = choices.choose(
        right.selectbox,
        "Verdicts by",
        graders,
        "rollouts-grader",
        default=best if best in graders else graders[0],
    )
    chosen = Browse(run, grader, where=where)
    try:
        value = state.query(ask_about, name, chosen, LIMIT, reads=READS)
    except FilterError as error:
        st.error(str(error))
        return
    st.caption(
        f"{value['means']}: {value['rollouts']:,} of {value['of']['rollouts']:,} rollouts, in"
        f" {value['groups']:,} groups of {value['steps']:,} steps"
    )
    if bin_filter := filter_of_bin(replace(chosen, where=value["where"])):
        both = " and ".join(f"({each})" for each in (where, bin_filter) if each)
        value = state.query(ask_about, name, replace(chosen, where=both), LIMIT, reads=READS)
        st.caption(f"{value['rollouts']:,} of them are in this bin")
    rows = value["rows"]
    if not rows:
        return
    if name == "drift":
        rows = [
            {**row["late"], "question": row["question"], "change": row["change"]} for row in rows
        ]
    names = [column for column in (*COLUMNS, "question", "change") if column in rows[0]]
    row_picker(
        pl.DataFrame(rows, infer_schema_length=None).select(names),
        [f"{row['step']} {row['group']} {row.get('discarded', False)}" for row in rows],
        f"rollouts of {run} {name} {where} {grader} {bin_filter}",
        _show,
        titles={"extracted": "answer read", "gold": "reference answer", "text": "completion"},
    )


def _where(column: Any) -> str:
    key = "pick rollouts-where"
    st.session_state[key] = address.value(FIELD) or ""

    def keep() -> None:
        address.go({FIELD: st.session_state[key] or None, BIN: None})

    return column.text_input(
        "And this filter", key=key, on_change=keep, placeholder="reward >= 1 and step < 100"
    )


def _show(row: str) -> None:
    step, group, is_discarded = row.split()
    tries = {"discarded": "true"} if is_discarded == str(True) else {}
    address.go({"step": step, "group": group, **tries})
    st.session_state[WENT] = True
