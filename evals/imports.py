"""Generations made elsewhere, read into the store with their labels.

Neutral: one JSON object a line, {"problem_id", "question", "gold", "text"} and, where known, "stage",
"sample" and "label". Also OpenAI's example solutions to GSM8K: {"question", "ground_truth"} and one
{"is_correct", "solution"} per model; each model becomes a stage.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from data import files, runs
from data.runs import RunExists
from data.schema import TABLES
from data.store import Store, add, add_generations, ask
from evals.report import graded

NEUTRAL = ("problem_id", "question", "gold", "text")
GRADER = "lenient"  # of what others generated, in whatever format
NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")
BATCH = 5_000  # generations written at a time


class BadImport(ValueError):
    """A file of generations that cannot be read: what was found, expected, and what to do."""


@dataclass(frozen=True)
class Generation:
    """One generation of a file, with its problem. label: right or wrong as the file says it."""

    problem_id: str
    question: str
    gold: str
    text: str
    stage: str
    sample: int
    label: bool | None


@dataclass(frozen=True)
class Rejection:
    """A line that is no generation, and why."""

    line: int
    reason: str
    content: str


def import_file(store: Store, path: Path, name: str) -> dict[str, Any]:
    """Read `path` as the run `name`; the object of `thinkbench import`.

    Rejected lines are kept in the store, with their reasons. The generations are graded leniently.
    """
    if runs.state(store, name) is not None:
        raise RunExists(f"run {name!r} exists already; choose another --name")
    lines = list(_lines(path))
    read = list(_generations(path, lines))
    kept = [row for row in read if isinstance(row, Generation)]
    rejected = [row for row in read if isinstance(row, Rejection)]
    kept, doubled = _without_doubles(kept)
    rejected += doubled
    if not kept:
        raise BadImport(
            f"{path} holds no generation: {len(rejected)} lines, first: {rejected[0].reason}."
            f" Expected one JSON object a line with {', '.join(NEUTRAL)}."
        )
    config = {"file": path.name, "grader": GRADER}
    digest = {"file": runs.fingerprint(lines=[line for _, line in lines])}
    runs.begin(store, "import", run=name, config=config, seed=None, inputs=digest)
    _add_problems(store, name, kept)
    for stage in sorted({row.stage for row in kept}):
        of_stage = [row for row in kept if row.stage == stage]
        for start in range(0, len(of_stage), BATCH):
            _add_batch(store, name, stage, of_stage[start : start + BATCH])
    summary: dict[str, Any] = {
        "run": name,
        "read": len(read),
        "imported": len(kept),
        "rejected": len(rejected),
    }
    if rejected:
        summary["rejections"] = str(_keep_rejections(store, name, rejected))
    runs.end(store, name, "done", summary)
    return summary


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    if not path.is_file():
        found = "a folder" if path.is_dir() else "nothing there"
        raise BadImport(f"{path}: {found}; expected a JSONL file of generations. Check the path.")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadImport(
            f"{path} is not UTF-8: byte {error.start} is {error.object[error.start]:#04x}."
            " Convert it first, for example with iconv -t utf-8."
        ) from error
    numbered = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not numbered:
        raise BadImport(f"{path} is empty; expected one JSON object a line. Check the file.")
    yield from numbered


def _generations(path: Path, lines: list[tuple[int, str]]) -> Iterator[Generation | Rejection]:
    for number, line in lines:
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            yield Rejection(number, f"no JSON: {error.msg} at column {error.colno}", line)
            continue
        if not isinstance(row, dict):
            yield Rejection(number, "no JSON object", line)
        elif "ground_truth" in row and "question" in row:
            yield from _openai(number, row, line)
        else:
            yield _neutral(number, row, line)


def _neutral(number: int, row: dict[str, Any], line: str) -> Generation | Rejection:
    if missing := [key for key in NEUTRAL if key not in row]:
        return Rejection(number, f"field missing: {', '.join(missing)}", line)
    if wrong := [key for key in NEUTRAL if not isinstance(row[key], str | int | float)]:
        return Rejection(number, f"field is no text: {', '.join(wrong)}", line)
    label, sample = row.get("label"), row.get("sample", 0)
    if label is not None and label not in (True, False):
        return Rejection(number, "label is neither true nor false nor null", line)
    if not isinstance(sample, int) or not 0 <= sample < 2**31:
        return Rejection(number, "sample is no whole number from 0 up", line)
    stage = NOT_IN_A_NAME.sub("-", str(row.get("stage") or "import")).lstrip(".-") or "import"
    return Generation(
        *(str(row[key]) for key in NEUTRAL),
        stage,
        sample,
        None if label is None else bool(label),
    )


def _openai(number: int, row: dict[str, Any], line: str) -> Iterator[Generation | Rejection]:
    """One line of OpenAI's solutions: a problem with the solutions of several models."""
    gold = str(row["ground_truth"]).rpartition("A:")[2].strip()
    models = {k: v for k, v in row.items() if isinstance(v, dict) and "solution" in v}
    if not models:
        yield Rejection(number, "no model with a solution", line)
    problem = runs.fingerprint(question=row["question"], gold=gold)[:32]
    for model, said in models.items():
        yield Generation(
            problem,
            str(row["question"]),
            gold,
            str(said["solution"]),
            NOT_IN_A_NAME.sub("-", model),
            0,
            said.get("is_correct"),
        )


def _without_doubles(rows: list[Generation]) -> tuple[list[Generation], list[Rejection]]:
    seen: set[tuple[str, str, int]] = set()
    kept, doubled = [], []
    for row in rows:
        key = (row.stage, row.problem_id, row.sample)
        if key in seen:
            said = f"problem {row.problem_id!r}, sample {row.sample} of stage {row.stage!r} again"
            doubled.append(Rejection(0, f"{said}: number samples apart", json.dumps(vars(row))))
        else:
            seen.add(key)
            kept.append(row)
    return kept, doubled


def _add_problems(store: Store, run: str, rows: list[Generation]) -> None:
    known = set(ask(store, "select problem_id from problems")["problem_id"])
    new = {row.problem_id: row for row in rows if row.problem_id not in known}
    problems = [
        {
            "problem_id": row.problem_id,
            "record_id": None,
            "source": run,
            "split": "test",
            "question": row.question,
            "gold": row.gold,
            "steps": None,
        }
        for row in new.values()
    ]
    schema = {k: v for k, v in TABLES["problems"].items() if k != "run"}
    add(store, "problems", pl.DataFrame(problems, schema=schema), run=run)


def _add_batch(store: Store, run: str, stage: str, rows: list[Generation]) -> None:
    generations = pl.DataFrame(
        [
            {
                "generation_id": f"{row.problem_id}:{row.sample:03d}:{run}:{stage}",
                "run": run,
                "stage": stage,
                "problem_id": row.problem_id,
                "sample": row.sample,
                "text": row.text,
                "tokens": None,
                "finish": None,
                "seed": None,
                "settings": None,
                "label": row.label,
                "gold": row.gold,
            }
            for row in rows
        ],
        schema={**TABLES["generations"], "gold": pl.String},
    )
    scores = graded(generations, GRADER)
    add_generations(store, generations.drop("gold"), scores, run=run, stage=stage)


def _keep_rejections(store: Store, run: str, rejected: list[Rejection]) -> Path:
    lines = "".join(f"{json.dumps(vars(row), ensure_ascii=False)}\n" for row in rejected)
    path = f"imports/{run}/rejected.jsonl"
    files.publish(store.folder, [(files.stage(store.folder, lines.encode()), path)])
    return store.folder / path
