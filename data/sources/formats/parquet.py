"""Rows of Parquet files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from data.errors import UserError
from data.sources.formats.rows import Rejected, Row, origin_of, refuse_repeated_columns, row_of


def parquet_rows(path: Path) -> Iterator[Row | Rejected]:
    """The rows of a Parquet file, as plain Python values."""
    try:
        file = pq.ParquetFile(path)
        refuse_repeated_columns(path, file.schema_arrow.names)
        batches = file.iter_batches(batch_size=1_000)
        rows = (batch.slice(index, 1) for batch in batches for index in range(len(batch)))
        for number, row in enumerate(rows):
            try:
                yield row_of(_decoded(row.to_pylist()[0]), path, number)
            except UnicodeDecodeError as error:
                yield Rejected("bytes that are no UTF-8", origin_of(path), number, str(error))
            except OverflowError as error:
                yield Rejected(
                    "a date outside the years 1 to 9999", origin_of(path), number, str(error)
                )
    except (pa.ArrowException, OSError) as error:
        raise UserError(
            f"{path} cannot be read as a whole Parquet file: {str(error).rstrip('.')}."
            " Check that it was copied whole, or write it again with plain columns."
        ) from error


def _decoded(value: Any) -> Any:
    """`value` with bytes as text: some writers store every text as bytes."""
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, dict):
        return {name: _decoded(part) for name, part in value.items()}
    # pyarrow gives a map as a list of tuples
    return [_decoded(part) for part in value] if isinstance(value, list | tuple) else value
