"""A file of rows that a command writes: complete, and never over an existing file."""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from data.errors import UserError


@contextmanager
def json_lines(path: Path | None) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Yield a function that writes one object as a line; the file appears when all are written.

    path: None writes nothing
    """
    if path is None:
        yield lambda row: None
        return
    if path.exists():
        raise UserError(f"{path} exists already, expected a new file: name another or move it away")
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with part.open("x", encoding="utf-8") as file:
            yield lambda row: print(json.dumps(row, ensure_ascii=False, allow_nan=False), file=file)
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def rows_file(path: Path, parquet: bool = False) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Like `json_lines`; a file whose name ends in .parquet holds Parquet.

    parquet: refuse another name
    """
    if path.suffix != ".parquet":
        if parquet:
            raise UserError(f"{path} has no name of a Parquet file; expected one like rows.parquet")
        with json_lines(path) as write:
            yield write
        return
    import polars as pl

    if path.exists():
        raise UserError(f"{path} exists already, expected a new file: name another or move it away")
    rows: list[dict[str, Any]] = []
    yield rows.append
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with part.open("xb") as file:
            pl.DataFrame(rows, infer_schema_length=None).write_parquet(file)
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
