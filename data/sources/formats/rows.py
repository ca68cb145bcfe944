"""Rows as files hold them, and the reasons for which a file is refused whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.sources.formats.splits import (
    folder_of,
    split_of,
    split_of_folder,
    split_of_row,
)


@dataclass(frozen=True)
class Row:
    """One row: its columns, and where it comes from. number: 0-based position in its file."""

    values: dict[str, Any]
    file: str
    split: str
    number: int


@dataclass(frozen=True)
class Rejected:
    """A line that is not a row, and the reason."""

    reason: str
    file: str
    number: int
    content: str


def row_of(values: dict[str, Any], path: Path, number: int) -> Row:
    """The row `values` of the file `path`, in the split that it or its file says."""
    return Row(values, origin_of(path), split_of_row(values, split_of(path)), number)


def origin_of(path: Path) -> str:
    """The name of the file, with its folder if that is named after a split: `test/0000.jsonl`."""
    folder = folder_of(path)
    return f"{folder}/{path.name}" if split_of_folder(folder) else path.name


def refuse_empty(path: Path) -> None:
    """Refuse a file without any content."""
    with path.open("rb") as file:
        begin = file.read(4_096)
    if not begin.strip() and len(begin) < 4_096:
        raise UserError(f"{path} is empty; expected rows. Check the file.")


def refuse_repeated_columns(path: Path, names: Sequence[str]) -> None:
    """Refuse a file in which two columns have one name."""
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(
            f"{path} has the column {', '.join(twice)} twice; expected each once. Rename one."
        )


def not_utf8(path: Path) -> UserError:
    """The error for a file that is not UTF-8: it names the first byte that is not."""
    before, number = 0, 0
    with path.open("rb") as file:
        for line in file:
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                byte = f"byte {before + error.start} (line {number + 1})"
                return UserError(
                    f"{path} is not UTF-8: {byte} is {line[error.start]:#04x}."
                    " Convert it first, for example with iconv -t utf-8."
                )
            before, number = before + len(line), number + 1
    return UserError(f"{path} changed while it was read. Run the same command again.")
