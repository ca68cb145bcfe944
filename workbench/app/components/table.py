"""A table on a page: null is blank, and numbers and times look the same on every page."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import streamlit as st
from polars import selectors

from workbench.app.components.text import plain_columns

ROW = 31  # pixels of a row and of the head, at the base size of .streamlit/config.toml
MOST = 10  # visible rows; the others are scrolled to
WHOLE = "%,d"
SECOND = "YYYY-MM-DD HH:mm:ss"

Rows = pl.DataFrame | Sequence[Mapping[str, Any]]


def table(
    rows: Rows,
    *,
    into: Any = st,
    most: int = MOST,
    titles: Mapping[str, str] | None = None,
    look: Mapping[str, Any] | None = None,
    **options: Any,
) -> Any:
    """Draw `rows` as a table of their height; returns what st.dataframe returns.

    into: the column or container to draw in   most: visible rows
    titles: column -> its title, where its name in words does not fit
    look: column -> st.column_config, where the default does not fit   options: of st.dataframe
    """
    frame = readable(rows)
    return into.dataframe(
        frame,
        hide_index=True,
        height="content" if frame.height <= most else ROW * (most + 1) + 2,
        placeholder="",
        column_config={**looks(frame, titles or {}), **(look or {})},
        **options,
    )


def readable(rows: Rows) -> pl.DataFrame:
    """`rows` with texts made harmless by `plain_columns`, and times in UTC without a zone."""
    frame = plain_columns(pl.DataFrame(rows, infer_schema_length=None))
    zoned = selectors.datetime(time_zone="*")
    return frame.with_columns(zoned.dt.convert_time_zone("UTC").dt.replace_time_zone(None))


def looks(frame: pl.DataFrame, titles: Mapping[str, str]) -> dict[str, Any]:
    """Column -> how it is shown: its title, thousands separators, times to the second."""
    return {
        name: _look(titles.get(name, name.replace("_", " ")), kind)
        for name, kind in frame.schema.items()
    }


def _look(name: str, kind: pl.DataType) -> Any:
    if kind.is_integer():
        return st.column_config.NumberColumn(name, format=WHOLE)
    if kind == pl.Datetime:
        return st.column_config.DatetimeColumn(f"{name} [UTC]", format=SECOND)
    return name
