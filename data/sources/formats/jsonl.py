"""Rows of JSON files: one object a line, or one array of objects."""

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.sources.formats.rows import Rejected, Row, not_utf8, origin_of, refuse_empty, row_of

MARK = codecs.BOM_UTF8  # files that are put together have one where each begins
SURROGATE = re.compile(r"\\u[dD]")  # as JSON escapes one: a pair is a character, a half is not


class KeyTwice(Exception):
    """A JSON object has this key twice."""


def jsonl_rows(path: Path) -> Iterator[Row | Rejected]:
    """The rows of a file with one JSON object a line, or of a .json file that is one array."""
    for number, line in enumerate(_lines(path)):
        if not line.strip():
            continue
        try:
            values = json.loads(line, object_pairs_hook=object_of_pairs)
            if SURROGATE.search(line):
                json.dumps(values, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            reason = "half a surrogate pair, which UTF-8 cannot hold"
            yield Rejected(reason, origin_of(path), number, line)
        except KeyTwice as error:
            yield Rejected(f"the key {error} twice", origin_of(path), number, line)
        except (ValueError, RecursionError) as error:  # also for too many digits or brackets
            yield Rejected(f"no JSON: {type(error).__name__}", origin_of(path), number, line)
        else:
            if isinstance(values, dict):
                yield row_of(values, path, number)
            else:
                yield Rejected("no JSON object", origin_of(path), number, line)


def object_of_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """One JSON object. Of a repeated key, one value would be lost: KeyTwice."""
    values = dict(pairs)
    if len(values) < len(pairs):
        keys = [key for key, _ in pairs]
        raise KeyTwice(next(key for key in keys if keys.count(key) > 1))
    return values


def _lines(path: Path) -> Iterator[str]:
    """The lines of the file; of a .json file that is one array, one line for each of its rows."""
    refuse_empty(path)
    try:
        if path.suffix.lower() == ".json" and _starts_as_array(path):
            yield from _lines_of_array(path)
            return
        with path.open("rb") as file:
            for line in file:
                yield line.removeprefix(MARK).decode().removesuffix("\n")
    except UnicodeDecodeError as error:
        raise not_utf8(path) from error


def _starts_as_array(path: Path) -> bool:
    with path.open(encoding="utf-8-sig") as file:
        while (character := file.read(1)).isspace():
            pass
    return character == "["


def _lines_of_array(path: Path) -> Iterator[str]:
    try:  # a JSON array can only be read as a whole
        rows = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=object_of_pairs)
    except KeyTwice as error:
        raise UserError(
            f"{path} has an object with the key {error} twice; expected each once. Correct it."
        ) from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise
        raise UserError(
            f"{path} begins as a JSON array but is not one: {error}. Expected one object a line,"
            " or one array of objects. Correct the file."
        ) from error
    yield from map(json.dumps, rows)
