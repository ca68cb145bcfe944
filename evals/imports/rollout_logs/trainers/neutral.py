"""Our neutral format: one JSON object a line, for trainers that have no format of their own.

{"prompt" or "question", "text"} and, as far as they are known, "step", "group", "gold", "rewards"
({name: value} or {name: {"value", "weight"}}), "reward" (else the weighted sum), "advantage",
"finish" ("stop" or "length"), "tokens", "split" ("train" or "eval") and "discarded".
"""

from collections.abc import Iterator
from math import isnan
from typing import Any

from evals.imports import Line, UnusableRow, text_of
from evals.imports.rollout_logs import (
    HELD_OUT,
    LENGTH,
    STOP,
    TRAIN,
    Decode,
    LogFile,
    LoggedRollout,
    Part,
    gold_in,
    number,
    part_value,
    required_text,
    whole_number,
)

NAME = "neutral"
WRITER = "the neutral format: prompt or question, text, step, group, gold, rewards, advantage"
KEEPS_NEWEST_BATCH = False
OWN = ("prompt", "question", "text", "step", "group", "gold", "rewards", "reward", "advantage",
       "finish", "tokens", "split", "discarded")  # fmt: skip


def fits(file: LogFile, row: dict[str, Any]) -> bool:
    texts = "text" in row and ("prompt" in row or "question" in row)
    return (
        file.path.suffix == ".jsonl" and texts and bool({"step", "reward", "rewards"} & row.keys())
    )


def read(file: LogFile, line: Line, decode: Decode | None) -> Iterator[LoggedRollout]:
    row = line.row
    question = text_of(row.get("question"))
    prompt = text_of(row.get("prompt")) or question
    if prompt is None or not prompt.strip():
        raise UnusableRow("neither prompt nor question is a text")
    parts = _parts(row.get("rewards"))
    reward, recomputed = number(row.get("reward")), ()
    if reward is None and (values := [p.value * p.weight for p in parts if not isnan(p.value)]):
        reward = number(sum(values))
        recomputed = () if reward is None else ("reward",)
    if not parts and reward is not None:
        parts = (Part("reward", reward),)
    group = row.get("group")
    yield LoggedRollout(
        step=whole_number(row.get("step")),
        prompt=prompt,
        question=question,
        text=required_text(row, "text"),
        gold=gold_in(row, ("gold",)),
        group=None if group is None else str(group),
        parts=parts,
        reward=reward,
        advantage=number(row.get("advantage")),
        finish=_one_of(row, "finish", (STOP, LENGTH)),
        tokens=whole_number(row.get("tokens")),
        split=_one_of(row, "split", (TRAIN, HELD_OUT)) or file.split,
        is_discarded=row.get("discarded") is True,
        extra={name: value for name, value in row.items() if name not in OWN},
        recomputed=recomputed,
    )


def _parts(rewards: Any) -> tuple[Part, ...]:
    if rewards is None:
        return ()
    if not isinstance(rewards, dict):
        raise UnusableRow("rewards is no object of names and values")
    return tuple(
        Part(name, part_value(value.get("value")), number(value.get("weight", 1.0)) or 0.0)
        if isinstance(value, dict)
        else Part(name, part_value(value))
        for name, value in rewards.items()
    )


def _one_of(row: dict[str, Any], name: str, values: tuple[str, str]) -> str | None:
    value = row.get(name)
    if value is not None and value not in values:
        raise UnusableRow(f"{name} is not {values[0]}, {values[1]} or null")
    return value
