"""Files of rows: which files a path names, and the rows of each whatever its format."""

import codecs
import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from data.errors import UserError
from data.sources.column_mapping import map_columns, source_column
from data.sources.formats import (
    Rejected,
    Row,
    csv_rows,
    jsonl_rows,
    parquet_rows,
    split_of_folder,
)

SUFFIXES = (".csv", ".jsonl", ".json", ".parquet")
ABOUT_ROWS = frozenset(
    f"{name}.json"
    for name in ("dataset_infos", "dataset_info", "dataset_dict", "state", "metadata", "config")
)
LARGEST_LINE = 1 << 26  # [bytes] of a .json file that is looked into
LOOK_AHEAD = 1_000  # rows of a file in which its columns must come


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
    """The files of rows in `folder`, then those in its folders that are named after a split."""
    entries = sorted(folder.iterdir())
    splits = [e for e in entries if e.is_dir() and split_of_folder(e.name) is not None]
    entries += [entry for split in splits for entry in sorted(split.iterdir())]
    files = [
        entry
        for entry in entries
        if entry.suffix.lower() in SUFFIXES
        and entry.is_file()
        and not entry.name.startswith(".")
        and not _is_about_rows(entry)
    ]
    for file in files:
        if not _is_utf8(file.name):
            raise UserError(
                f"{str(file)!a} has a name that is not UTF-8, and names are stored as text."
                " Rename it."
            )
    if not files:
        raise UserError(
            f"{folder} holds no {', '.join(SUFFIXES)} file of rows; expected a folder of them."
            " Folders in it are read if they are named after a split: train, validation, test."
            " Check the path."
        )
    return files


def _is_about_rows(file: Path) -> bool:
    """Whether a .json file describes a data set, as dataset_infos.json does, and holds no rows.

    It is one object over several lines; or it has the name of such a file.
    """
    if file.suffix.lower() != ".json":
        return False
    if file.name.lower() in ABOUT_ROWS:
        return True
    with file.open("rb") as content:
        first = content.readline(LARGEST_LINE).removeprefix(codecs.BOM_UTF8)
        if not first.lstrip().startswith(b"{") or file.stat().st_size > LARGEST_LINE:
            return False
        try:
            json.loads(first)
        except (ValueError, RecursionError):
            return _is_object(first + content.read())
    return False


def _is_object(content: bytes) -> bool:
    try:
        return isinstance(json.loads(content), dict)
    except (ValueError, RecursionError):
        return False


def skipped_in(path: Path) -> list[str]:
    """What a folder holds besides the files of rows; hidden files are not named."""
    if not path.is_dir():
        return []
    files = set(files_in(path))
    folders = {file.parent for file in files} - {path}
    entries = [entry for folder in (path, *folders) for entry in folder.iterdir()]
    names = (
        str(entry.relative_to(path))
        for entry in entries
        if entry not in files and entry not in folders and not entry.name.startswith(".")
    )
    return sorted(name if _is_utf8(name) else ascii(name) for name in names)


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
        name = file.relative_to(path) if path.is_dir() else file.name
        digest.update(f"{name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as opened:
            for piece in iter(lambda: opened.read(1 << 20), b""):
                digest.update(piece)
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
    """Rows of one file; it is refused whole if no row, or none of its first, has the `columns`.

    A row that lacks a column is a row: conversion quarantines it.
    mapping: where in a row some of the columns are (data/sources/column_mapping.py)
    """
    readers = {".csv": csv_rows, ".parquet": parquet_rows}
    rows = iter(readers.get(path.suffix.lower(), jsonl_rows)(path))
    first: list[Row | Rejected] = []
    for row in rows:
        first.append(row)
        if isinstance(row, Row) and not _missing(row, columns, mapping or {}):
            break
        if len(first) == LOOK_AHEAD and any(isinstance(row, Row) for row in first):
            _refuse_missing_columns(path, first, columns, mapping or {})
    else:
        _refuse_missing_columns(path, first, columns, mapping or {})
    for row in itertools.chain(first, rows):
        if mapping and isinstance(row, Row):
            row = replace(row, values=map_columns(row.values, mapping))
        yield row


def _missing(row: Row, columns: tuple[str, ...], mapping: Mapping[str, str]) -> list[str]:
    needed = [
        source_column(mapping[name], row.values) if name in mapping else name for name in columns
    ]
    return [name for name in needed if name not in row.values]


def _refuse_missing_columns(
    path: Path,
    rows: list[Row | Rejected],
    columns: tuple[str, ...],
    mapping: Mapping[str, str],
) -> None:
    """Refuse the file of which `rows` are the first, where none has all columns."""
    rejected = next((row for row in rows if isinstance(row, Rejected)), None)
    row = next((row for row in rows if isinstance(row, Row)), None)
    if row is None:
        first = (
            f" The first is number {rejected.number + 1}: {rejected.reason}." if rejected else ""
        )
        raise UserError(
            f"{path} holds no row; expected rows with {', '.join(columns)}.{first} Check the file."
        )
    if missing := _missing(row, columns, mapping):
        raise UserError(
            f"{path} lacks the column {', '.join(missing)}; found {', '.join(row.values)}."
            f" Expected {', '.join(columns)}: say where they are (--column {missing[0]}=PATH), or"
            " choose another source or shape."
        )
