"""Rows of csv, jsonl and parquet files, or of a folder of them, as they stand."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

SUFFIXES = (".csv", ".jsonl", ".json", ".parquet")
LARGEST_FIELD = 1 << 28  # of a csv, in characters: traces are longer than Python's default


class BadFile(ValueError):
    """Something given that cannot be read: says what was found, expected, and what to do."""


@dataclass(frozen=True)
class Row:
    """One row: its columns, and where it stood. number: 0-based place in its file."""

    values: dict[str, Any]
    file: str
    split: str
    number: int


@dataclass(frozen=True)
class Rejected:
    """A line that is no row, and why."""

    reason: str
    file: str
    number: int
    content: str


def files_in(path: Path) -> list[Path]:
    """The files that `path` names: itself, or those of the folder in the order of their names."""
    if path.is_file():
        if path.suffix.lower() not in SUFFIXES:
            raise BadFile(
                f"{path} is a {path.suffix or 'file without ending'!r}; expected one of"
                f" {', '.join(SUFFIXES)}. Rename or convert it."
            )
        return [path]
    if not path.exists():
        raise BadFile(f"{path} does not exist; expected a file or folder of rows. Check the path.")
    found = sorted(f for f in path.iterdir() if f.suffix.lower() in SUFFIXES and f.is_file())
    if not found:
        raise BadFile(
            f"{path} holds no {', '.join(SUFFIXES)} file; expected a folder of rows."
            " Check the path."
        )
    return found


def split_of(path: Path) -> str:
    """test if the file's name says so, else train."""
    return "test" if "test" in path.stem.lower() else "train"


def rows_of(path: Path, columns: tuple[str, ...]) -> Iterator[Row | Rejected]:
    """Rows of one file, each with at least `columns`; a file without them is refused whole."""
    readers = {".csv": _csv, ".parquet": _parquet}
    read = readers.get(path.suffix.lower(), _jsonl)
    seen = False
    for row in read(path):
        if isinstance(row, Row):
            seen = seen or _has(path, row, columns)
        yield row
    if not seen:
        raise BadFile(
            f"{path} holds no row; expected rows with {', '.join(columns)}. Check the file."
        )


def _has(path: Path, row: Row, columns: tuple[str, ...]) -> bool:
    """True if the file's first row has the columns; the file is refused if not."""
    if missing := [name for name in columns if name not in row.values]:
        raise BadFile(
            f"{path} lacks the column {', '.join(missing)}; found {', '.join(row.values)}."
            f" Expected {', '.join(columns)}: rename columns, or choose another source or shape."
        )
    return True


def _text(path: Path) -> str:
    content = path.read_bytes()
    if not content.strip():
        raise BadFile(f"{path} is empty; expected rows. Check the file.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadFile(
            f"{path} is not UTF-8: byte {error.start} (line {line}) is {content[error.start]:#04x}."
            " Convert it first, for example with iconv -t utf-8."
        ) from error


def _csv(path: Path) -> Iterator[Row | Rejected]:
    csv.field_size_limit(LARGEST_FIELD)
    reader = csv.DictReader(io.StringIO(_text(path), newline=""))
    for number, values in enumerate(reader):
        if None in values or None in values.values():
            wanted = len(reader.fieldnames or ())
            content = json.dumps([str(v) for v in values.values()], ensure_ascii=False)
            yield Rejected(f"not {wanted} fields, as the header has", path.name, number, content)
        else:
            yield Row(dict(values), path.name, split_of(path), number)


def _jsonl(path: Path) -> Iterator[Row | Rejected]:
    for number, line in enumerate(_text(path).split("\n")):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            yield Rejected(f"no JSON: {type(error).__name__}", path.name, number, line)
            continue
        if isinstance(values, dict):
            yield Row(values, path.name, split_of(path), number)
        else:
            yield Rejected("no JSON object", path.name, number, line)


def _parquet(path: Path) -> Iterator[Row | Rejected]:
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise BadFile(
            f"{path} is no Parquet file: {error}. Check that it was copied whole."
        ) from error
    number = 0
    for batch in file.iter_batches(batch_size=1_000):
        for values in batch.to_pylist():
            yield Row(values, path.name, split_of(path), number)
            number += 1
