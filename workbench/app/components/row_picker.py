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
        selection_mode="single-row",
        key=key,
        **options,
    )


def _clicked(key: str, ids: list[str], go: Callable[[str], None]) -> None:
    # only a click calls this, so that an earlier click is not followed again
    last = f"clicked in {key}"
    if selected := st.session_state[key]["selection"]["rows"]:
        st.session_state[last] = ids[selected[0]]
    # a second click on a row clears the selection; it means that row all the same
    if chosen := st.session_state.get(last):
        go(chosen)
