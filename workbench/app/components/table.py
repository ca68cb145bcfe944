"""A table on a page: what is unknown is blank, and numbers and times are as everywhere else."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import streamlit as st
from polars import selectors

from workbench.app.components.text import plain_columns

ROW = 31  # pixels of a row and of the head, at the base size of .streamlit/config.toml
MOST = 10  # rows in sight; more are scrolled to
WHOLE = "%,d"
SECOND = "YYYY-MM-DD HH:mm:ss"

Rows = pl.DataFrame | Sequence[Mapping[str, Any]]


def table(
    rows: Rows,
    *,
    into: Any = st,
    most: int = MOST,
    look: Mapping[str, Any] | None = None,
    **more: Any,
) -> Any:
    """`rows` as texts, as high as they are many; gives back what st.dataframe does.

    into: the column or block to stand in   most: rows that are seen at once
    look: column -> st.column_config, where it is not as usual   more: for st.dataframe
    """
    frame = readable(rows)
    return into.dataframe(
        frame,
        hide_index=True,
        height="content" if frame.height <= most else ROW * (most + 1) + 2,
        placeholder="",
        column_config={**looks(frame), **(look or {})},
        **more,
    )


def readable(rows: Rows) -> pl.DataFrame:
    """`rows` with texts as `plain_columns` has them, and times in UTC, without a zone."""
    frame = plain_columns(pl.DataFrame(rows, infer_schema_length=None))
    zoned = selectors.datetime(time_zone="*")
    return frame.with_columns(zoned.dt.convert_time_zone("UTC").dt.replace_time_zone(None))


def looks(frame: pl.DataFrame) -> dict[str, Any]:
    """How each column is shown: its name in words, thousands apart, times to the second."""
    return {name: _look(name.replace("_", " "), kind) for name, kind in frame.schema.items()}


def _look(name: str, kind: pl.DataType) -> Any:
    if kind.is_integer():
        return st.column_config.NumberColumn(name, format=WHOLE)
    if kind == pl.Datetime:
        return st.column_config.DatetimeColumn(f"{name} [UTC]", format=SECOND)
    return name
