"""A table in which a click on a row goes to what the row stands for."""

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl
import streamlit as st

from workbench.app.components.table import table


def row_picker(
    rows: pl.DataFrame, ids: Sequence[str], key: str, go: Callable[[str], None], **options: Any
) -> None:
    """A table of `rows`; a click on a row calls `go` with its id.

    key:     the same as long as the rows are the same, whichever was clicked: for another key the
             browser draws a new table, which has lost its selection and its scroll position
    options: of workbench.app.components.table
    """
    table(
        rows,
        on_select=lambda: _clicked(key, list(ids), go),
        selection_mode=["single-row", "single-cell"],  # the box of a row, or anywhere in it
        key=key,
        **options,
    )


def _clicked(key: str, ids: list[str], go: Callable[[str], None]) -> None:
    # only a click calls this, so that an earlier click is not followed again
    before = f"selected in {key}"
    selection = st.session_state[key]["selection"]
    boxes, cells = list(selection["rows"]), [tuple(cell) for cell in selection["cells"]]
    boxes_before, cells_before = st.session_state.get(before, ([], []))
    st.session_state[before] = boxes, cells
    boxes_clicked = boxes or boxes_before  # a second click on a box clears it; it means that row
    clicked = [cells[0][0]] if cells and cells != cells_before else boxes_clicked
    if clicked:
        go(ids[clicked[0]])
