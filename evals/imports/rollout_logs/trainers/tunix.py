"""Tunix's agentic GRPO: trajectory_log_{time}.csv, whose cells are Python literals.

They are read as literals (ast.literal_eval), which runs nothing. The file has no steps: the version
of the policy stands for it, and no parts of the reward and no advantages.
"""

import ast
from collections.abc import Iterator
from typing import Any

from evals.imports import Line, UnusableRow
from evals.imports.rollout_logs import (
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
    question_in,
    whole_number,
)

NAME = "tunix"
WRITER = "Tunix's agentic GRPO: trajectory_log_{time}.csv"
KEEPS_NEWEST_BATCH = False
FINISHES = {"SUCCEEDED": STOP, "MAX_CONTEXT_LIMIT_REACHED": LENGTH}
LONGEST = 4_000_000  # [characters] of a cell that is read as a literal


def fits(file: LogFile, row: dict[str, Any]) -> bool:
    return file.path.suffix == ".csv" and {"conversation_text", "trajectory_reward"} <= row.keys()


def read(file: LogFile, line: Line, decode: Decode | None) -> Iterator[LoggedRollout]:
    row = line.row
    before, after = messages.divided(_literal(row, "conversation_text"))
    source, mask = _literal(row, "original_input"), _literal(row, "conversation_masks")
    status = str(row.get("status"))
    group = row.get("group_id")
    reward = _literal(row, "trajectory_reward")
    yield LoggedRollout(
        step=whole_number(_literal(row, "policy_version")),
        prompt=messages.as_prompt(before),
        question=_question(source) or messages.last_question(before),
        text="\n".join(messages.answers(after)),
        gold=gold_in(source) if isinstance(source, dict) else None,
        group=group or None,
        parts=(Part("trajectory_reward", part_value(reward)),),
        reward=number(reward),
        finish=FINISHES.get(status),
        tokens=sum(1 for each in mask if each) if isinstance(mask, list) and mask else None,
        split=file.split,
        extra={"status": status, "turns": len(messages.answers(after))},
    )


def _question(source: Any) -> str | None:
    return question_in(source) if isinstance(source, dict) else None


def _literal(row: dict[str, Any], name: str) -> Any:
    """The value of a cell; None for an empty one, or nan."""
    cell = (row.get(name) or "").strip()
    if cell in ("", "nan"):
        return None
    if len(cell) > LONGEST:
        raise UnusableRow(f"{name} is too long")
    try:
        return ast.literal_eval(cell)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError) as error:
        raise UnusableRow(f"{name} is no Python literal") from error
