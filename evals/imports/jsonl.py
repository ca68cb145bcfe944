"""Generations as JSON, one object per line: our neutral format, and OpenAI's solutions of GSM8K.

Neutral: {"problem_id", "question", "gold", "text"}, where gold may be a list of which each entry is
correct, and optionally "stage", "sample", "label",
"finish" ("stop" or "length"), "tokens" and "run". Rows with a run get the stage RUN.STAGE, so that
one file may contain several runs that can be compared.

OpenAI's solutions: {"question", "ground_truth"}, where the latter ends with "A: N", and for each
model {"is_correct", "solution"} under its name. Each model becomes a stage.
"""

from collections.abc import Iterable, Iterator
from math import isnan
from typing import Any

from evals.imports.records import (
    STAGE,
    Generation,
    Line,
    Record,
    Rejection,
    UnusableRow,
    gold_of_targets,
    problem_id_of,
    text_of,
)

FIELDS = ("problem_id", "question", "gold", "text")
FINISHES = ("stop", "length")


def generations(lines: Iterable[Line | Rejection]) -> Iterator[Record]:
    """The records of each line, in order; a line of OpenAI's format has several."""
    for line in lines:
        if isinstance(line, Rejection):
            yield line
        elif "ground_truth" in line.row and "question" in line.row:
            yield from _openai(line)
        else:
            try:
                yield _neutral(line)
            except UnusableRow as reason:
                yield Rejection(line.number, str(reason), line.content)


def _neutral(line: Line) -> Generation:
    row = line.row
    values = [
        gold_of_targets(row.get(field))
        if field == "gold"
        else text_of(_whole(row.get(field), field))
        for field in FIELDS
    ]
    missing = [field for field, value in zip(FIELDS, values, strict=True) if value is None]
    if missing:
        raise UnusableRow(f"missing or no text: {', '.join(missing)}")
    problem_id, question, gold, text = (value or "" for value in values)
    if not problem_id.strip():
        raise UnusableRow("problem_id is empty")
    if not question.strip():
        raise UnusableRow("question is empty")
    label, finish = _no_gap(row.get("label")), _no_gap(row.get("finish"))
    if label is not None and label not in (True, False):
        raise UnusableRow("label is not true, false or null")
    if finish not in (None, *FINISHES):
        raise UnusableRow("finish is not stop, length or null")
    return Generation(
        line=line.number,
        problem_id=problem_id,
        question=question,
        gold=gold,
        text=text,
        stage=_stage(row),
        sample=_whole_number(row, "sample") or 0,
        label=None if label is None else bool(label),
        finish=finish,
        tokens=_whole_number(row, "tokens"),
    )


def _whole(value: Any, field: str) -> Any:
    """`value`; an id that a table with gaps writes as 12.0 is 12."""
    return int(value) if field == "problem_id" and _is_whole(value) else value


def _is_whole(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer()


def _stage(row: dict[str, Any]) -> str:
    names = {field: row.get(field) for field in ("run", "stage")}
    for field, name in names.items():
        if name is not None and not isinstance(name, str):
            raise UnusableRow(f"{field} is no text")
    stage = names["stage"] or STAGE
    return f"{names['run']}.{stage}" if names["run"] else stage


def _no_gap(value: Any) -> Any:
    """`value`; None for NaN, which is how tables write a value that is not there."""
    return None if isinstance(value, float) and isnan(value) else value


def _whole_number(row: dict[str, Any], field: str) -> int | None:
    value = _no_gap(row.get(field))
    if value is None:
        return None
    if _is_whole(value):
        value = int(value)  # tables with gaps write whole numbers as 12.0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise UnusableRow(f"{field} is no whole number from 0")
    return value


def _openai(line: Line) -> Iterator[Record]:
    question, truth = text_of(line.row["question"]) or "", text_of(line.row["ground_truth"]) or ""
    gold = truth.rpartition("A:")[2].strip()
    models = {name: value for name, value in line.row.items() if isinstance(value, dict)}
    if not question.strip():
        yield Rejection(line.number, "question is empty", line.content)
        return
    if not models:
        yield Rejection(line.number, "no model with is_correct and solution", line.content)
    for model, solution in models.items():
        text, label = text_of(solution.get("solution")), solution.get("is_correct")
        if text is None or not isinstance(label, bool | None):
            reason = f"{model} has no solution and is_correct"
            yield Rejection(line.number, reason, line.content)
        else:
            yield Generation(
                line=line.number,
                problem_id=problem_id_of(question, gold),
                question=question,
                gold=gold,
                text=text,
                stage=model,
                label=label,
            )
