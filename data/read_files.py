"""Rows of csv, jsonl and parquet files, or of a folder of them, as they stand."""

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

SUFFIXES = (".csv", ".jsonl", ".json", ".parquet")
LARGEST_FIELD = 1 << 28  # of a csv, in characters: traces are longer than Python's default
SURROGATE = re.compile(r"\\u[dD]")  # as JSON escapes one: a pair is a character, a half is none


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
    if path.exists() and not path.is_dir():
        raise BadFile(f"{path} is a pipe or a device; expected a file or folder. Save it first.")
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
    """test if a word of the file's name says so and none says train, else train."""
    words = set(re.split(r"[^a-z]+", path.stem.lower()))
    return "test" if "test" in words and "train" not in words else "train"


def rows_of(path: Path, columns: tuple[str, ...]) -> Iterator[Row | Rejected]:
    """Rows of one file, each with at least `columns`; a file without them is refused whole."""
    readers = {".csv": _csv, ".parquet": _parquet}
    read = readers.get(path.suffix.lower(), _jsonl)
    seen, first = False, ""
    for row in read(path):
        if isinstance(row, Row):
            seen = seen or _has(path, row, columns)
        else:
            first = first or f" The first is number {row.number + 1}: {row.reason}."
        yield row
    if not seen:
        raise BadFile(
            f"{path} holds no row; expected rows with {', '.join(columns)}.{first} Check the file."
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
    # strict: else an unclosed quote takes the rest of the file into one field
    reader = csv.DictReader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        names = reader.fieldnames or ()
        _refuse_twins(path, names)
        for number, values in enumerate(reader):
            if None in values or None in values.values():
                content = json.dumps([str(v) for v in values.values()], ensure_ascii=False)
                reason = f"not {len(names)} fields, as the header has"
                yield Rejected(reason, path.name, number, content)
            else:
                yield Row(dict(values), path.name, split_of(path), number)
    except csv.Error as error:
        raise BadFile(
            f"{path} is broken after line {reader.line_num}: {error}. Expected"
            " every quote to be closed, and one inside a field to be doubled. Mend that row."
        ) from error


def _refuse_twins(path: Path, names: Sequence[str]) -> None:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadFile(
            f"{path} has the column {', '.join(twice)} twice; expected each once. Rename one."
        )


def _jsonl(path: Path) -> Iterator[Row | Rejected]:
    for number, line in enumerate(_lines(path)):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
            if SURROGATE.search(line):
                json.dumps(values, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            reason = "half a surrogate pair, which UTF-8 cannot hold"
            yield Rejected(reason, path.name, number, line)
        except (ValueError, RecursionError) as error:  # of digits or brackets beyond count too
            yield Rejected(f"no JSON: {type(error).__name__}", path.name, number, line)
        else:
            if isinstance(values, dict):
                yield Row(values, path.name, split_of(path), number)
            else:
                yield Rejected("no JSON object", path.name, number, line)


def _lines(path: Path) -> list[str]:
    """The lines of the file; where a .json is one array, a line for each of its rows."""
    text = _text(path)
    if path.suffix.lower() != ".json" or not text.lstrip().startswith("["):
        return text.split("\n")
    try:
        return [json.dumps(values) for values in json.loads(text)]
    except (ValueError, RecursionError) as error:
        raise BadFile(
            f"{path} begins as an array of JSON but is none: {error}. Expected one object a line,"
            " or one array of objects. Mend the file."
        ) from error


def _parquet(path: Path) -> Iterator[Row | Rejected]:
    try:
        file = pq.ParquetFile(path)
        _refuse_twins(path, file.schema_arrow.names)
        batches = file.iter_batches(batch_size=1_000)
        every = (batch.slice(place, 1) for batch in batches for place in range(len(batch)))
        for number, row in enumerate(every):
            try:
                yield Row(_decoded(row.to_pylist()[0]), path.name, split_of(path), number)
            except UnicodeDecodeError as error:
                yield Rejected("bytes that are no UTF-8", path.name, number, str(error))
            except OverflowError as error:
                yield Rejected("a date outside the years 1 to 9999", path.name, number, str(error))
    except (pa.ArrowException, OSError) as error:
        raise BadFile(
            f"{path} is no whole Parquet file: {str(error).rstrip('.')}."
            " Check that it was copied whole."
        ) from error


def _decoded(value: Any) -> Any:
    """`value` with text where Parquet says bytes, as some writers do of every text."""
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, dict):
        return {name: _decoded(part) for name, part in value.items()}
    # a map comes as a list of tuples
    return [_decoded(part) for part in value] if isinstance(value, list | tuple) else value
