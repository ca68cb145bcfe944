"""Rows of csv files."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

from data.errors import UserError
from data.sources.rows import (
    Rejected,
    Row,
    not_utf8,
    refuse_empty,
    refuse_repeated_columns,
    split_of,
)

LARGEST_FIELD = 1 << 28  # [characters]; reasoning traces are longer than Python's default


def csv_rows(path: Path) -> Iterator[Row | Rejected]:
    """The rows of a csv file; a line with more or fewer fields than the header is rejected."""
    csv.field_size_limit(LARGEST_FIELD)
    refuse_empty(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        # strict: else an unclosed quote puts the rest of the file into one field
        reader = csv.DictReader(file, strict=True)
        try:
            names = reader.fieldnames or ()
            refuse_repeated_columns(path, names)
            for number, values in enumerate(reader):
                if None in values or None in values.values():
                    content = json.dumps([str(v) for v in values.values()], ensure_ascii=False)
                    reason = f"not {len(names)} fields, as the header has"
                    yield Rejected(reason, path.name, number, content)
                else:
                    yield Row(dict(values), path.name, split_of(path), number)
        except UnicodeDecodeError as error:
            raise not_utf8(path) from error
        except csv.Error as error:
            raise UserError(
                f"{path} is broken after line {reader.line_num}: {error}. Expected every quote to"
                " be closed, and one inside a field to be doubled. Correct that row."
            ) from error
