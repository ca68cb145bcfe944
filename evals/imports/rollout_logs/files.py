"""The files of a rollout log in the order of their steps, and their rows as objects."""

import csv
import hashlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data.errors import UserError
from evals.imports import Line, Rejection, json_lines
from evals.imports.rollout_logs.records import LogFile

SUFFIXES = (".parquet", ".jsonl", ".json", ".csv")
PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".bin", ".msgpack")
ROWS_AT_A_TIME = 1_000  # of a Parquet file
SHOWN = 2_000  # [characters] of a rejected row that are stored


def log_files(path: Path, without: Path | None = None) -> list[LogFile]:
    """The files at or under `path` that may hold rollouts, by numbers in their names.

    without: a folder under it that is no part of the log
    """
    if not path.exists():
        raise UserError(f"{path} is missing. Expected a file or a folder of rollouts. Check it.")
    root = path if path.is_dir() else path.parent
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    visible = [
        LogFile(each, each.relative_to(root).as_posix())
        for each in files
        if not any(part.startswith(".") for part in each.relative_to(root).parts)
        and (without is None or without not in each.parents)
    ]
    readable = [file for file in visible if file.path.suffix in SUFFIXES]
    if not readable:
        refuse_pickles(path)
        raise UserError(
            f"{path} has no file that ends in {', '.join(SUFFIXES)}. Expected the rollouts that a"
            " trainer logged; docs/rollouts.md names the option of each. Check the path."
        )
    return sorted(readable, key=lambda file: _natural(file.name))


def refuse_pickles(path: Path) -> None:
    """UserError if pickles are what lies there."""
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    pickle = next((file for file in files if file.suffix in PICKLES), None)
    if pickle is not None:
        raise UserError(
            f"{pickle} is a pickle: loading one runs whatever code it holds, so none is read."
            " Expected a log of texts. Write the rollouts as JSON lines where the trainer runs"
            " (docs/rollouts.md has the lines for slime and miles), then import that file."
        )


def _natural(name: str) -> list[tuple[int, int, str]]:
    """A sort key by which step_9 comes before step_10."""
    return [
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", name)
    ]


def rows_of(file: LogFile) -> Iterator[Line | Rejection]:
    """The rows of a file as objects, numbered from 1; of a .json file the whole is one."""
    suffix = file.path.suffix
    if suffix == ".parquet":
        return _parquet_rows(file.path)
    if suffix == ".csv":
        return _csv_rows(file.path)
    if suffix == ".json":
        return _whole(file.path)
    return json_lines(file.path, is_log=True)


def _parquet_rows(path: Path) -> Iterator[Line | Rejection]:
    import pyarrow  # which a log of lines does without
    import pyarrow.parquet

    number = 0
    try:
        file = pyarrow.parquet.ParquetFile(path)
        for batch in file.iter_batches(batch_size=ROWS_AT_A_TIME):
            for row in _objects(batch):
                number += 1
                if isinstance(row, dict):
                    yield Line(number, row, "")
                else:
                    yield Rejection(number, "a value that Python cannot hold", str(row))
    except (pyarrow.ArrowException, OSError) as error:
        yield Rejection(number + 1, "not a whole Parquet file", str(error))


def _objects(batch: Any) -> Iterator[dict[str, Any] | Exception]:
    """The rows of a batch; the error of those with bytes that are no text, or a year too late."""
    try:
        yield from batch.to_pylist()
    except (ValueError, OverflowError):  # one row suffices
        for at in range(batch.num_rows):
            try:
                yield batch.slice(at, 1).to_pylist()[0]
            except (ValueError, OverflowError) as error:
                yield error


def _csv_rows(path: Path) -> Iterator[Line | Rejection]:
    csv.field_size_limit(sys.maxsize)  # a cell has a whole conversation with its tokens
    with path.open(encoding="utf-8", errors="replace", newline="") as lines:
        reader = csv.DictReader(lines)
        try:
            for number, row in enumerate(reader, 1):
                if None in row or None in row.values():
                    yield Rejection(number, "another number of cells than the header", str(row))
                else:
                    yield Line(number, row, "")
        except csv.Error as error:
            yield Rejection(reader.line_num, "broken CSV", str(error))


def _whole(path: Path) -> Iterator[Line | Rejection]:
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        yield Rejection(1, "broken JSON", text[:SHOWN])
        return
    yield Line(1, row, "") if isinstance(row, dict) else Rejection(1, "not a JSON object", "")


def shown(row: dict[str, Any], content: str) -> str:
    """A row as a rejection stores it."""
    return (content or json.dumps(row, ensure_ascii=False, default=str))[:SHOWN]


def hash_of(files: list[LogFile]) -> str:
    """A hash of the names and contents of these files."""
    whole = hashlib.sha256()
    for file in files:
        with file.path.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        whole.update(f"{file.name}\0{digest}\0".encode(errors="surrogateescape"))
    return whole.hexdigest()
