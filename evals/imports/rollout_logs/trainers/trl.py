"""TRL's GRPOTrainer, and Unsloth's: completions_{step}.parquet with log_completions=True.

Columns: step, prompt and completion (texts, or messages where the data set is conversational), one
of numbers per reward function (NaN: does not apply), what reward functions logged besides,
advantage. Weights of the rewards and the total are not logged: the total is computed with weights
of 1. A file has the newest batch of its step only.
"""

from collections.abc import Iterator
from math import isnan
from typing import Any

from evals.imports import Line
from evals.imports.rollout_logs import (
    ANSWERS,
    HELD_OUT,
    TRAIN,
    Decode,
    LogFile,
    LoggedRollout,
    Part,
    gold_in,
    messages,
    number,
    part_value,
    step_in_name,
    whole_number,
)

NAME = "trl"
WRITER = "TRL's or Unsloth's GRPOTrainer: completions/completions_*.parquet"
KEEPS_NEWEST_BATCH = True
OWN = ("step", "prompt", "completion", "advantage", "mode")
NO_REWARDS = {*OWN, *ANSWERS}  # a column of the data set, as its answers, may have numbers


def fits(file: LogFile, row: dict[str, Any]) -> bool:
    return file.path.suffix == ".parquet" and {"step", "prompt", "completion"} <= row.keys()


def read(file: LogFile, line: Line, decode: Decode | None) -> Iterator[LoggedRollout]:
    row = line.row
    parts = tuple(
        Part(name, part_value(value))
        for name, value in row.items()
        if name not in NO_REWARDS and isinstance(value, float) and not name.startswith("__index")
    )
    values = [part.value for part in parts if not isnan(part.value)]
    reward = number(sum(values)) if values else None
    nulls = [name for name, value in row.items() if name not in NO_REWARDS and value is None]
    mode = {"train": TRAIN, "eval": HELD_OUT}.get(str(row.get("mode")))
    step = whole_number(row["step"])
    prompt, question = messages.prompt_in(row, "prompt")
    yield LoggedRollout(
        step=step_in_name(file.path) if step is None else step,
        prompt=prompt,
        question=question,
        text=messages.completion_in(row, "completion"),
        gold=gold_in(row),
        parts=parts,
        reward=reward,
        advantage=number(row.get("advantage")),
        split=mode or file.split,
        extra={
            name: value
            for name, value in row.items()
            if name not in OWN and not isinstance(value, float)
        },
        recomputed=("reward",) if reward is not None and len([*parts, *nulls]) > 1 else (),
    )
