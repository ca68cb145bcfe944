"""A store with a subset for every format of `subset export`, and what the guide says of each."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from data.response_format import render
from data.store import Store, ask

TRACES = [
    {"prompt": f"Tom has {n} apples and buys 4. How many has he?",
     "completion": f"<think>{n} + 4 = {n + 4}</think>\n{n + 4}"} for n in (3, 5)
]  # fmt: skip
SUMS = [{"question": f"{n} + 2?", "answer": f"{n} and two #### {n + 2}"} for n in (2, 3)]


def fill(say: Callable[..., Any], store: Store, folder: Path) -> None:
    """Subsets `short` of records and `hard` of problems, and answers to these: run `answers`."""
    written(folder / "traces.jsonl", TRACES)
    written(folder / "sums.jsonl", SUMS)
    for words in (
        ("ingest", "traces", "--from", folder / "traces.jsonl", "--shape", "completion"),
        ("ingest", "sums", "--from", folder / "sums.jsonl", "--shape", "gsm8k"),
        ("convert", "traces"),
        ("convert", "sums"),
        ("subset", "new", "short", "--source", "traces"),
        ("subset", "new", "hard", "--source", "sums", "--of", "problems"),
    ):
        code, _, errors = say(*words)
        assert code == 0, errors
    problems = ask(
        store, "select problem_id, question, gold from current_problems order by question"
    )
    answers = [
        row | {"sample": off, "text": render("I add.", str(int(row["gold"]) + off))}
        for row in problems.to_dicts()
        for off in (0, 1)
    ]
    written(folder / "answers.jsonl", answers)
    code, _, errors = say("import", folder / "answers.jsonl", "--name", "answers")
    assert code == 0, errors


def written(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


@dataclass(frozen=True)
class Format:
    """One format of the guide. words: of its command   row: the first row of what it writes"""

    name: str
    words: list[str]
    row: dict[str, Any]


def formats_in(guide: str) -> list[Format]:
    sections = re.findall(
        r"^### (\S+)\n.*?```sh\nthinkbench (.*?)\n```\n.*?```json\n(.*?)\n```",
        guide,
        flags=re.MULTILINE | re.DOTALL,
    )
    return [Format(name, words.split(), json.loads(row)) for name, words, row in sections]


def first_row(path: Path) -> dict[str, Any]:
    if path.suffix == ".parquet":
        return pl.read_parquet(path).row(0, named=True)
    return json.loads(path.read_text(encoding="utf-8").splitlines()[0])
