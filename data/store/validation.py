"""The columns that rows must have before the store takes them."""

from typing import Any

import polars as pl

from data.store.files import StoreError
from data.store.schema import TABLES


def shaped(table: str, rows: pl.DataFrame, run: str, stage: str | None) -> pl.DataFrame:
    """`rows` with the columns of `table`, in order; run and stage are filled where missing."""
    if table not in TABLES:
        raise StoreError(f"there is no table {table!r}; expected one of {', '.join(TABLES)}.")
    columns = TABLES[table]
    for name, value in (("run", run), ("stage", stage)):
        if name not in columns:
            continue
        if name not in rows.columns:
            rows = rows.with_columns(pl.lit(value, pl.String).alias(name))
        elif rows.filter(pl.col(name).ne_missing(pl.lit(value, pl.String))).height:
            raise StoreError(
                f"{table}: not every row has {name} {value!r}, which they are added to."
            )
    missing = [name for name in columns if name not in rows.columns]
    extra = [name for name in rows.columns if name not in columns]
    if missing or extra:
        raise StoreError(
            f"{table}: columns missing: {', '.join(missing) or 'none'}; unknown: "
            f"{', '.join(extra) or 'none'}. Expected those of data/store/schema.py."
        )
    wrong = [name for name in columns if not _becomes(rows.schema[name], columns[name])]
    try:
        if not wrong:
            return rows.select(pl.col(name).cast(dtype) for name, dtype in columns.items())
    except pl.exceptions.InvalidOperationError as error:
        raise StoreError(f"{table}: a value does not fit its column: {error}") from error
    name = wrong[0]
    raise StoreError(
        f"{table}: column {name} is {rows.schema[name]}; expected {columns[name]}. "
        "Cast it before adding."
    )


def _becomes(found: Any, wanted: Any) -> bool:
    """Whether values of type `found` are values of `wanted` too, but for their range."""
    if found in (wanted, pl.Null):
        return True
    if isinstance(wanted, pl.List):
        return isinstance(found, pl.List) and _becomes(found.inner, wanted.inner)
    if isinstance(wanted, pl.Struct):
        inner = {field.name: field.dtype for field in wanted.fields}
        given = found.fields if isinstance(found, pl.Struct) else []
        return [field.name for field in given] == list(inner) and all(
            _becomes(field.dtype, inner[field.name]) for field in given
        )
    if isinstance(wanted, pl.Datetime):
        return isinstance(found, pl.Datetime) and found.time_zone == wanted.time_zone
    if wanted in (pl.Int64, pl.Int32):
        return found.is_integer()
    return wanted == pl.Float64 and found.is_numeric()
