"""Detection of the format of a file of generations, and its records."""

import json
from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path

from data.errors import UserError
from data.sources.formats import KeyTwice, object_of_pairs
from evals.imports import inspect_ai, jsonl, lm_eval
from evals.imports.records import Line, Record, Rejection

CUT_OFF = "unexpected end of data"  # in Python's words
EXPECTED = (
    f"Expected UTF-8 with one JSON object a line, with {', '.join(jsonl.FIELDS)} or as "
    "lm_eval --log_samples writes it; or a log of Inspect AI (.eval or .json)."
)


def generations_of(path: Path) -> Iterator[Record]:
    """The records of the file. Inspect logs are detected by name, the rest by the first line."""
    _check(path)
    if inspect_ai.is_log(path):
        return inspect_ai.generations(path)
    first = next((line for line in json_lines(path) if isinstance(line, Line)), None)
    if first and lm_eval.is_sample(first.row):
        return lm_eval.generations(json_lines(path))
    return jsonl.generations(json_lines(path))


def _check(path: Path) -> None:
    if not path.is_file():
        special = "a folder" if path.is_dir() else "a pipe or a device"
        state = special if path.exists() else "missing"
        raise UserError(f"{path} is {state}. {EXPECTED} Check the path.")


def json_lines(path: Path, *, is_log: bool = False) -> Iterator[Line | Rejection]:
    """The lines of the file that are not blank, in order.

    is_log: the file may be empty, and a line that is not UTF-8 is rejected alone
    """
    empty = True
    for number, content in _texts(path, is_log):
        empty = False
        if isinstance(content, Rejection):
            yield content
            continue
        try:
            row = json.loads(content, object_pairs_hook=object_of_pairs)
        except KeyTwice as key:
            yield Rejection(number, f"the key {key} twice", content)
            continue
        except (ValueError, RecursionError) as error:  # also too many digits or brackets
            yield Rejection(number, f"broken JSON: {error}", content)
            continue
        if isinstance(row, dict):
            yield Line(number, row, content)
        else:
            yield Rejection(number, "not a JSON object", content)
    if empty and not is_log:
        raise UserError(f"{path} is empty. {EXPECTED} Check how it was written.")


def _texts(path: Path, is_log: bool) -> Iterator[tuple[int, str | Rejection]]:
    """Number and text of each line that is not blank; a last line that ends in a character."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                text = line.removeprefix(BOM_UTF8).decode().removesuffix("\n")
            except UnicodeDecodeError as error:
                if error.reason == CUT_OFF and number > 1:  # else no line would be UTF-8
                    text = line.decode(errors="replace")
                    yield number, Rejection(number, "the last line is cut off", text)
                    continue
                if is_log:
                    text = line.decode(errors="replace")
                    yield number, Rejection(number, "not UTF-8", text)
                    continue
                raise UserError(
                    f"{path} is not UTF-8: line {number} holds byte {line[error.start]:#04x}. "
                    f"{EXPECTED} Convert it, for example with iconv -t utf-8."
                ) from error
            if text.strip():
                yield number, text
