"""Files of generations made elsewhere, line by line: each is a generation or a rejection.

Neutral: one JSON object a line, {"problem_id", "question", "gold", "text"} and, where known,
"stage", "sample" and "label".

OpenAI's example solutions to GSM8K: {"question", "ground_truth"}, where the latter ends "A: N", and
for each model {"is_correct", "solution"} under its name. Each model becomes a stage.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.read_files import BadFile
from data.runs import fingerprint

FIELDS = ("problem_id", "question", "gold", "text")
STAGE = "import"  # of generations that name none
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")
EXPECTED = f"Expected UTF-8 with one JSON object a line, with {', '.join(FIELDS)}."


@dataclass(frozen=True)
class Generation:
    """One generation of a file, with its problem. label: right or wrong as the file says it."""

    line: int
    problem_id: str
    question: str
    gold: str
    text: str
    stage: str
    sample: int
    label: bool | None


@dataclass(frozen=True)
class Rejection:
    """A line, or a part of it, that is no generation, and why."""

    line: int
    reason: str
    content: str


def lines_of(path: Path) -> list[tuple[int, str]]:
    """The lines of the file that are not blank, with their numbers from 1."""
    if not path.is_file():
        special = "a folder" if path.is_dir() else "a pipe or a device"
        found = special if path.exists() else "missing"
        raise BadFile(f"{path} is {found}. {EXPECTED} Check the path.")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise BadFile(
            f"{path} is not UTF-8: line {line} holds byte {error.object[error.start]:#04x}. "
            f"{EXPECTED} Convert it, for example with iconv -t utf-8."
        ) from error
    numbered = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not numbered:
        raise BadFile(f"{path} is empty. {EXPECTED} Check how it was made.")
    return numbered


def generations_of(lines: list[tuple[int, str]]) -> Iterator[Generation | Rejection]:
    """What each line says, in order; one of OpenAI's says several things."""
    for number, line in lines:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:  # of digits or brackets beyond count too
            yield Rejection(number, f"broken JSON: {error}", line)
            continue
        if not isinstance(row, dict):
            yield Rejection(number, "not a JSON object", line)
        elif "ground_truth" in row and "question" in row:
            yield from _openai(number, row, line)
        else:
            yield _neutral(number, row, line)


def _neutral(number: int, row: dict[str, Any], line: str) -> Generation | Rejection:
    values = [_text(row.get(field)) for field in FIELDS]
    wrong = [field for field, value in zip(FIELDS, values, strict=True) if value is None]
    if wrong:
        return Rejection(number, f"missing or no text: {', '.join(wrong)}", line)
    problem_id, question, gold, text = (value or "" for value in values)
    if not problem_id.strip():
        return Rejection(number, "problem_id is empty", line)
    sample, label, stage = row.get("sample", 0), row.get("label"), row.get("stage")
    if isinstance(sample, bool) or not isinstance(sample, int) or not 0 <= sample < 2**31:
        return Rejection(number, "sample is no whole number from 0", line)
    if label is not None and label not in (True, False):
        return Rejection(number, "label is not true, false or null", line)
    if stage is not None and not isinstance(stage, str):
        return Rejection(number, "stage is no text", line)
    decided = None if label is None else bool(label)
    return Generation(
        number, problem_id, question, gold, text, _name(stage or STAGE), sample, decided
    )


def _openai(number: int, row: dict[str, Any], line: str) -> Iterator[Generation | Rejection]:
    question, truth = _text(row["question"]) or "", _text(row["ground_truth"]) or ""
    gold = truth.rpartition("A:")[2].strip()
    # as a conversion of the dataset itself names it
    problem = fingerprint(question=question.strip(), gold=gold)[:32]
    models = {name: said for name, said in row.items() if isinstance(said, dict)}
    if not models:
        yield Rejection(number, "no model with is_correct and solution", line)
    for model, said in models.items():
        text, label = _text(said.get("solution")), said.get("is_correct")
        if text is None or not isinstance(label, bool | None):
            yield Rejection(number, f"{model} has no solution and is_correct", line)
        else:
            yield Generation(number, problem, question, gold, text, _name(model), 0, label)


def _text(value: Any) -> str | None:
    """A number may stand for a problem or a gold; a list, an object or null may not."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    # a lone surrogate cannot be stored as UTF-8
    return str(value).encode("utf-8", "replace").decode()


def _name(stage: str) -> str:
    """`stage` as it can name a folder."""
    return _NOT_IN_A_NAME.sub("-", stage).strip(".-")[:100] or STAGE
