"""Rows of csv, jsonl and parquet files, or of a folder of them, as they stand."""

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from data.errors import UserError
from data.sources.column_mapping import first_of, named

SUFFIXES = (".csv", ".jsonl", ".json", ".parquet")
LARGEST_FIELD = 1 << 28  # of a csv, in characters: traces are longer than Python's default
SURROGATE = re.compile(r"\\u[dD]")  # as JSON escapes one: a pair is a character, a half is none


class KeyTwice(Exception):
    """An object of JSON has a key twice: which one."""


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
    found = sorted(f for f in path.iterdir() if f.suffix.lower() in SUFFIXES and f.is_file())
    for file in found:
        if not _is_utf8(file.name):
            raise UserError(
                f"{str(file)!a} has a name that is no UTF-8, and names are kept as text. Rename it."
            )
    if not found:
        raise UserError(
            f"{path} holds no {', '.join(SUFFIXES)} file; expected a folder of rows."
            " Check the path."
        )
    return found


def skipped_in(path: Path) -> list[str]:
    """What a folder holds beside the files that are read; hidden files are not named."""
    if not path.is_dir():
        return []
    read = {file.name for file in files_in(path)}
    found = (entry.name for entry in path.iterdir() if not entry.name.startswith("."))
    return sorted(name if _is_utf8(name) else ascii(name) for name in found if name not in read)


def looks_like_a_place(name: str) -> bool:
    """Whether `name` can only be a path: a source has no slash and no such ending."""
    return "/" in name or name.lower().endswith(SUFFIXES)


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def rows_at_most(path: Path) -> int:
    """About how many rows a file has, to show how far one has come: lines, or as Parquet says."""
    if path.suffix.lower() == ".parquet":
        try:
            return pq.ParquetFile(path).metadata.num_rows
        except (pa.ArrowException, OSError):  # `rows_of` says what is wrong with it
            return 0
    with path.open("rb") as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))


def split_of(path: Path) -> str:
    """test if a word of the file's name says so and none says train, else train."""
    words = set(re.split(r"[^a-z]+", path.stem.lower()))
    return "test" if "test" in words and "train" not in words else "train"


def rows_of(
    path: Path, columns: tuple[str, ...], places: Mapping[str, str] | None = None
) -> Iterator[Row | Rejected]:
    """Rows of one file, each with at least `columns`; a file without them is refused whole.

    places: where in a row some of the columns are found (data/sources/column_mapping.py)
    """
    readers = {".csv": _csv, ".parquet": _parquet}
    read = readers.get(path.suffix.lower(), _jsonl)
    seen, first = False, ""
    for row in read(path):
        if isinstance(row, Row):
            seen = seen or _has(path, row, columns, places or {})
            if places:
                row = replace(row, values=named(row.values, places))
        else:
            first = first or f" The first is number {row.number + 1}: {row.reason}."
        yield row
    if not seen:
        raise UserError(
            f"{path} holds no row; expected rows with {', '.join(columns)}.{first} Check the file."
        )


def _has(path: Path, row: Row, columns: tuple[str, ...], places: Mapping[str, str]) -> bool:
    """True if the file's first row has the columns; the file is refused if not."""
    needed = [first_of(places[name], row.values) if name in places else name for name in columns]
    if missing := [name for name in needed if name not in row.values]:
        raise UserError(
            f"{path} lacks the column {', '.join(missing)}; found {', '.join(row.values)}."
            f" Expected {', '.join(columns)}: say where they are (--column {missing[0]}=PLACE), or"
            " choose another source or shape."
        )
    return True


def _not_empty(path: Path) -> None:
    with path.open("rb") as file:
        begin = file.read(4_096)
    if not begin.strip() and len(begin) < 4_096:
        raise UserError(f"{path} is empty; expected rows. Check the file.")


def _no_utf8(path: Path) -> UserError:
    """What to say of a file with a byte that is no UTF-8, and where that is."""
    before, number = 0, 0
    with path.open("rb") as file:
        for line in file:
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                place = (
                    f"byte {before + error.start} (line {number + 1}) is {line[error.start]:#04x}"
                )
                return UserError(
                    f"{path} is not UTF-8: {place}."
                    " Convert it first, for example with iconv -t utf-8."
                )
            before, number = before + len(line), number + 1
    return UserError(f"{path} changed while it was read. Give the same command again.")


def _csv(path: Path) -> Iterator[Row | Rejected]:
    csv.field_size_limit(LARGEST_FIELD)
    _not_empty(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        # strict: else an unclosed quote takes the rest of the file into one field
        reader = csv.DictReader(file, strict=True)
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
        except UnicodeDecodeError as error:
            raise _no_utf8(path) from error
        except csv.Error as error:
            raise UserError(
                f"{path} is broken after line {reader.line_num}: {error}. Expected every quote to"
                " be closed, and one inside a field to be doubled. Mend that row."
            ) from error


def _refuse_twins(path: Path, names: Sequence[str]) -> None:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(
            f"{path} has the column {', '.join(twice)} twice; expected each once. Rename one."
        )


def _jsonl(path: Path) -> Iterator[Row | Rejected]:
    for number, line in enumerate(_lines(path)):
        if not line.strip():
            continue
        try:
            values = json.loads(line, object_pairs_hook=_once)
            if SURROGATE.search(line):
                json.dumps(values, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            reason = "half a surrogate pair, which UTF-8 cannot hold"
            yield Rejected(reason, path.name, number, line)
        except KeyTwice as error:
            yield Rejected(f"the key {error} twice", path.name, number, line)
        except (ValueError, RecursionError) as error:  # of digits or brackets beyond count too
            yield Rejected(f"no JSON: {type(error).__name__}", path.name, number, line)
        else:
            if isinstance(values, dict):
                yield Row(values, path.name, split_of(path), number)
            else:
                yield Rejected("no JSON object", path.name, number, line)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """One object of JSON; of a key that comes twice one value would be lost."""
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        raise KeyTwice(next(key for key in keys if keys.count(key) > 1))
    return made


def _lines(path: Path) -> Iterator[str]:
    """The lines of the file; where a .json is one array, a line for each of its rows."""
    _not_empty(path)
    try:
        if path.suffix.lower() == ".json" and _begins_as_array(path):
            yield from _of_array(path)
            return
        with path.open("rb") as file:
            for number, line in enumerate(file):
                yield line.decode("utf-8" if number else "utf-8-sig").removesuffix("\n")
    except UnicodeDecodeError as error:
        raise _no_utf8(path) from error


def _begins_as_array(path: Path) -> bool:
    with path.open(encoding="utf-8-sig") as file:
        while (character := file.read(1)).isspace():
            pass
    return character == "["


def _of_array(path: Path) -> Iterator[str]:
    try:  # an array of JSON can be read as a whole only
        rows = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_once)
    except KeyTwice as error:
        raise UserError(
            f"{path} has an object with the key {error} twice; expected each once. Mend the file."
        ) from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise
        raise UserError(
            f"{path} begins as an array of JSON but is none: {error}. Expected one object a line,"
            " or one array of objects. Mend the file."
        ) from error
    yield from map(json.dumps, rows)


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
        raise UserError(
            f"{path} cannot be read as a whole Parquet file: {str(error).rstrip('.')}."
            " Check that it was copied whole, or write it again with plain columns."
        ) from error


def _decoded(value: Any) -> Any:
    """`value` with text where Parquet says bytes, as some writers do of every text."""
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, dict):
        return {name: _decoded(part) for name, part in value.items()}
    # a map comes as a list of tuples
    return [_decoded(part) for part in value] if isinstance(value, list | tuple) else value
