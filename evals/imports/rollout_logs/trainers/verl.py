"""verl: {step}.jsonl in trainer.rollout_data_dir or validation_data_dir, of v0 and of v1.

A line: input, output, gts (the reference answer), score, step, what the reward function added (acc,
pred), request_id; of v1 uid = {sample}_{rollout}_{output}. No advantages, no finish reasons.
"""

from collections.abc import Iterator
from typing import Any

from evals.imports import Line
from evals.imports.rollout_logs import (
    Decode,
    LogFile,
    LoggedRollout,
    Part,
    gold_in,
    number,
    part_value,
    required_text,
    step_in_name,
    whole_number,
)

NAME = "verl"
WRITER = "verl: {step}.jsonl of trainer.rollout_data_dir"
KEEPS_NEWEST_BATCH = False
OWN = ("input", "output", "gts", "score", "step")


def fits(file: LogFile, row: dict[str, Any]) -> bool:
    return file.path.suffix == ".jsonl" and {"input", "output", "score"} <= row.keys()


def read(file: LogFile, line: Line, decode: Decode | None) -> Iterator[LoggedRollout]:
    row = line.row
    step, uid = whole_number(row.get("step")), row.get("uid")
    yield LoggedRollout(
        step=step_in_name(file.path) if step is None else step,
        prompt=required_text(row, "input"),
        text=required_text(row, "output"),
        gold=gold_in(row.get("gts")),
        # v1 numbers the rollouts and outputs of a sample in the last two places
        group=str(uid).rsplit("_", 2)[0] if uid is not None else None,
        parts=(Part("score", part_value(row["score"])),),
        reward=number(row["score"]),
        split=file.split,
        extra={name: value for name, value in row.items() if name not in OWN},
    )
