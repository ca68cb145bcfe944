"""A table in which one row may be clicked, to go to what it stands for."""

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl
import streamlit as st

from workbench.app.components import table as tables


def table(
    rows: pl.DataFrame, ids: Sequence[str], key: str, go: Callable[[str], None], **more: Any
) -> None:
    """A table of `rows`; a click on one calls `go` with its id.   more: for
    workbench.app.components.table

    key: the same for as long as the rows are, whichever was clicked: with another, the browser
        draws a new table, which has forgotten its tick and how far it was scrolled
    """
    tables.table(
        rows,
        on_select=lambda: _clicked(key, list(ids), go),
        selection_mode="single-row",
        key=key,
        **more,
    )


def _clicked(key: str, ids: list[str], go: Callable[[str], None]) -> None:
    # this is called by a click alone, so that what was clicked before is not gone to again
    last = f"clicked in {key}"
    if found := st.session_state[key]["selection"]["rows"]:
        st.session_state[last] = ids[found[0]]
    # a second click on a row takes its tick away; it means that row all the same
    if chosen := st.session_state.get(last):
        go(chosen)
