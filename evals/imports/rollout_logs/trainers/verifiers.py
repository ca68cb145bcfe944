"""Evaluations of verifiers before v1: results.jsonl with example_id, prompt, completion, reward."""

from collections.abc import Iterator
from typing import Any

from evals.imports import Line
from evals.imports.rollout_logs import (
    HELD_OUT,
    LENGTH,
    STOP,
    Decode,
    LogFile,
    LoggedRollout,
    Part,
    gold_in,
    messages,
    number,
    part_value,
)

NAME = "verifiers"
WRITER = "verifiers before v1: outputs/evals/.../results.jsonl"
KEEPS_NEWEST_BATCH = False
OWN = ("prompt", "completion", "answer", "reward", "example_id")


def fits(file: LogFile, row: dict[str, Any]) -> bool:
    return file.path.suffix == ".jsonl" and {
        "example_id", "prompt", "completion", "reward"
    } <= row.keys()  # fmt: skip


def read(file: LogFile, line: Line, decode: Decode | None) -> Iterator[LoggedRollout]:
    """The file names no step and has no train problems."""
    row = line.row
    prompt, question = messages.prompt_in(row, "prompt")
    yield LoggedRollout(
        prompt=prompt,
        question=question,
        text=messages.completion_in(row, "completion"),
        gold=gold_in(row, ("answer",)),
        group=str(row["example_id"]),
        parts=(Part("reward", part_value(row["reward"])),),
        reward=number(row["reward"]),
        finish=_finish(row),
        split=HELD_OUT,
        extra={name: value for name, value in row.items() if name not in OWN},
    )


def _finish(row: dict[str, Any]) -> str | None:
    if row.get("is_truncated") is True:
        return LENGTH
    return STOP if row.get("is_truncated") is False and row.get("is_completed") is True else None
