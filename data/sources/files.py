"""Files of rows: which files a path names, and the rows of each whatever its format."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from data.errors import UserError
from data.sources.column_mapping import map_columns, source_column
from data.sources.csv import csv_rows
from data.sources.jsonl import jsonl_rows
from data.sources.parquet import parquet_rows
from data.sources.rows import Rejected, Row

SUFFIXES = (".csv", ".jsonl", ".json", ".parquet")


def files_in(path: Path) -> list[Path]:
    """The files that `path` names: itself, or those of the folder in the order of their names."""
    if path.is_file():
        if path.suffix.lower() not in SUFFIXES:
            raise UserError(
                f"{path} is a {path.suffix or 'file without ending'!r}; expected one of"
                f" {', '.join(SUFFIXES)}. Rename or convert it."
            )
        return [path]
    if path.exists() and not path.is_dir():
        raise UserError(f"{path} is a pipe or a device; expected a file or folder. Save it first.")
    if not path.exists():
        raise UserError(
            f"{path} does not exist; expected a file or folder of rows. Check the path."
        )
    return _files_of_folder(path)


def _files_of_folder(folder: Path) -> list[Path]:
    files = sorted(f for f in folder.iterdir() if f.suffix.lower() in SUFFIXES and f.is_file())
    for file in files:
        if not _is_utf8(file.name):
            raise UserError(
                f"{str(file)!a} has a name that is not UTF-8, and names are stored as text."
                " Rename it."
            )
    if not files:
        raise UserError(
            f"{folder} holds no {', '.join(SUFFIXES)} file; expected a folder of rows."
            " Check the path."
        )
    return files


def skipped_in(path: Path) -> list[str]:
    """What a folder holds besides the files of rows; hidden files are not named."""
    if not path.is_dir():
        return []
    read = {file.name for file in files_in(path)}
    names = (entry.name for entry in path.iterdir() if not entry.name.startswith("."))
    return sorted(name if _is_utf8(name) else ascii(name) for name in names if name not in read)


def looks_like_a_path(name: str) -> bool:
    """Whether `name` can only be a path: no source has a slash or such a suffix in its name."""
    return "/" in name or name.lower().endswith(SUFFIXES)


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def name_of_files(path: Path) -> str:
    """A source name for files that have none: the hash of their content."""
    digest = hashlib.sha256()
    for file in files_in(path):
        digest.update(f"{file.name}\0{file.stat().st_size}\0".encode() + file.read_bytes())
    return f"files-{digest.hexdigest()[:12]}"


def estimated_rows(path: Path) -> int:
    """About how many rows a file has, for progress: its lines, or what its Parquet header says."""
    if path.suffix.lower() == ".parquet":
        try:
            return pq.ParquetFile(path).metadata.num_rows
        except (pa.ArrowException, OSError):  # `rows_of` reports what is wrong with it
            return 0
    with path.open("rb") as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))


def rows_of(
    path: Path, columns: tuple[str, ...], mapping: Mapping[str, str] | None = None
) -> Iterator[Row | Rejected]:
    """Rows of one file, each with at least `columns`; a file without them is refused whole.

    mapping: where in a row some of the columns are (data/sources/column_mapping.py)
    """
    readers = {".csv": csv_rows, ".parquet": parquet_rows}
    read = readers.get(path.suffix.lower(), jsonl_rows)
    has_row, first = False, ""
    for row in read(path):
        if isinstance(row, Row):
            if not has_row:
                _refuse_missing_columns(path, row, columns, mapping or {})
                has_row = True
            if mapping:
                row = replace(row, values=map_columns(row.values, mapping))
        else:
            first = first or f" The first is number {row.number + 1}: {row.reason}."
        yield row
    if not has_row:
        raise UserError(
            f"{path} holds no row; expected rows with {', '.join(columns)}.{first} Check the file."
        )


def _refuse_missing_columns(
    path: Path, row: Row, columns: tuple[str, ...], mapping: Mapping[str, str]
) -> None:
    """Refuse the file if `row`, its first, lacks a column."""
    needed = [
        source_column(mapping[name], row.values) if name in mapping else name for name in columns
    ]
    if missing := [name for name in needed if name not in row.values]:
        raise UserError(
            f"{path} lacks the column {', '.join(missing)}; found {', '.join(row.values)}."
            f" Expected {', '.join(columns)}: say where they are (--column {missing[0]}=PATH), or"
            " choose another source or shape."
        )
