"""Rows of csv files."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

from data.errors import UserError
from data.sources.formats.rows import (
    Rejected,
    Row,
    not_utf8,
    origin_of,
    refuse_empty,
    refuse_repeated_columns,
    row_of,
)

MARK = "\ufeff"  # files that are put together have one where each begins
LARGEST_FIELD = 1 << 28  # [characters]; reasoning traces are longer than Python's default


def csv_rows(path: Path) -> Iterator[Row | Rejected]:
    """The rows of a csv file; a line with more or fewer fields than the header is rejected."""
    csv.field_size_limit(LARGEST_FIELD)
    refuse_empty(path)
    with path.open(encoding="utf-8", newline="") as file:
        # strict: else an unclosed quote puts the rest of the file into one field
        reader = csv.DictReader((line.removeprefix(MARK) for line in file), strict=True)
        try:
            names = reader.fieldnames or ()
            refuse_repeated_columns(path, names)
            for number, values in enumerate(reader):
                reason = None
                if None in values or None in values.values():
                    reason = f"not {len(names)} fields, as the header has"
                elif list(values.values()) == list(names):
                    reason = "the header once more"
                if reason:
                    content = json.dumps([str(v) for v in values.values()], ensure_ascii=False)
                    yield Rejected(reason, origin_of(path), number, content)
                else:
                    yield row_of(dict(values), path, number)
        except UnicodeDecodeError as error:
            raise not_utf8(path) from error
        except csv.Error as error:
            raise UserError(
                f"{path} is broken after line {reader.line_num}: {error}. Expected every quote to"
                " be closed, and one inside a field to be doubled. Correct that row."
            ) from error
