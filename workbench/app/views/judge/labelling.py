"""A blind sample, one generation at a time, without verdicts; each label is stored at once."""

from typing import Any

import streamlit as st

from evals.judge import label, sample_to_label
from workbench.app import address, state
from workbench.app.components import RAW, is_raw, plain, show_text, switches
from workbench.app.components.text import LONGEST
from workbench.app.frame import explained

READS = ("generations", "scores", "labels", "rubrics", "problems", "overrides")
KEYS = {"right": "1", "wrong": "2", "unsure": "3"}  # the browser's own keys are not allowed


@st.fragment
@explained()
def labelling(grader: str) -> None:
    """The sample of the judge, from the first generation that this person has not labelled."""
    sample = state.query(sample_to_label, grader, state.author(), reads=READS)
    rows = sample["rows"]
    unlabelled = [number for number, row in enumerate(rows) if row["verdict"] is None]
    st.progress(sample["labelled"] / sample["n"], f"{sample['labelled']} of {sample['n']} labelled")
    position = _position(rows, unlabelled)
    row = rows[position]
    if not unlabelled:
        st.success("All of the sample are labelled. A label can still be changed.")
    _buttons(sample, position)
    switches(RAW)
    st.caption(
        f"{position + 1} of {len(rows)}"
        + (f", labelled {row['verdict']}" if row["verdict"] else "")
    )
    if row["question"]:
        show_text(row["question"], name="question", raw=is_raw())
    st.text(f"Reference answer: {plain(row['gold'] or 'unknown')[:LONGEST]}")
    show_text(row["text"], name="completion", raw=is_raw())


def _position(rows: list[dict[str, Any]], unlabelled: list[int]) -> int:
    """Of the generation that the address names, else of the first without a label."""
    ids = [row["generation_id"] for row in rows]
    named = address.value("generation")
    return ids.index(named) if named in ids else next(iter(unlabelled), 0)


def _buttons(sample: dict[str, Any], position: int) -> None:
    rows = sample["rows"]

    def go(to: int) -> None:
        address.go({"generation": rows[to % len(rows)]["generation_id"]})

    def store(verdict: str) -> None:
        label(state.store(), sample, {rows[position]["generation_id"]: verdict})
        go(position + 1)

    columns = st.columns(len(KEYS) + 2)
    for column, (verdict, key) in zip(columns, KEYS.items(), strict=False):
        column.button(
            verdict.capitalize(),
            shortcut=key,
            on_click=store,
            args=(verdict,),
            width="stretch",
            disabled=not state.may_write(),
        )
    columns[-2].button("Back", shortcut="b", on_click=go, args=(position - 1,), width="stretch")
    columns[-1].button("Next", shortcut="n", on_click=go, args=(position + 1,), width="stretch")
