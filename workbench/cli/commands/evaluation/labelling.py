"""Labels that a person types for a blind sample, or that a file has."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from data.errors import UserError
from workbench.formatting import visible

KEYS = {"r": "right", "w": "wrong", "u": "unsure"}
CHOICE = "[r]ight  [w]rong  [u]nsure  [b]ack  [q]uit"


def ask_for_labels(sample: dict[str, Any], store: Callable[[dict[str, str]], None]) -> None:
    """Show what is not labelled yet, one after the other; each label is stored at once."""
    if not sys.stdin.isatty():
        return
    rows = [row for row in sample["rows"] if row["verdict"] is None]
    position = 0
    while position < len(rows):
        row = rows[position]
        click.echo(_shown(row, position + 1, len(rows)))
        key = click.getchar().lower()
        if key == "q":
            return
        if key == "b":
            position = max(position - 1, 0)
        elif key in KEYS:
            store({row["generation_id"]: KEYS[key]})
            position += 1


def _shown(row: dict[str, Any], number: int, n: int) -> str:
    parts = ("Question", row["question"]), ("Reference answer", row["gold"])
    texts = [f"{title}: {text}" for title, text in parts if text]
    return visible("\n\n".join([f"--- {number} of {n} ---", *texts, row["text"], CHOICE]))


def read_labels(path: Path) -> dict[str, str]:
    """generation_id -> verdict, of the lines of a JSONL file."""
    verdicts = {}
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            verdicts[str(row["generation_id"])] = str(row["verdict"])
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{path}, line {number} is {line[:80]!r}; expected an object with generation_id and"
                " verdict. Correct the file."
            ) from error
    return verdicts
