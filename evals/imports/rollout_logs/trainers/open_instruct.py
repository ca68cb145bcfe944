"""open-instruct: {run}_rollouts_{shard}.jsonl with save_traces; prompts and answers as token ids.

The texts need the tokenizer of the model, which {run}_metadata.jsonl names.
"""

from collections.abc import Iterator
from typing import Any

from data.errors import UserError
from evals.imports import Line, UnusableRow
from evals.imports.rollout_logs import (
    LENGTH,
    STOP,
    Decode,
    LogFile,
    LoggedRollout,
    Part,
    gold_in,
    number,
    part_value,
    whole_number,
)

NAME = "open-instruct"
WRITER = "open-instruct: {run}_rollouts_{shard}.jsonl of save_traces"
KEEPS_NEWEST_BATCH = False
FINISHES = {"stop": STOP, "length": LENGTH}
KEPT = ("dataset", "sample_idx", "finish_reason", "request_info")


def fits(file: LogFile, row: dict[str, Any]) -> bool:
    return file.path.suffix == ".jsonl" and {"prompt_tokens", "response_tokens"} <= row.keys()


def read(file: LogFile, line: Line, decode: Decode | None) -> Iterator[LoggedRollout]:
    if decode is None:
        raise UserError(
            f"{file.path} holds token ids, no texts; expected the tokenizer of the model that wrote"
            " them. Name its folder or its tokenizer.json: --tokenizer FOLDER"
        )
    row = line.row
    yield LoggedRollout(
        step=whole_number(row.get("step")),
        prompt=decode(_ids(row, "prompt_tokens")),
        text=decode(_ids(row, "response_tokens")),
        gold=gold_in(row, ("ground_truth",)),
        group=None if row.get("prompt_idx") is None else str(row["prompt_idx"]),
        parts=(Part("reward", part_value(row.get("reward"))),),
        reward=number(row.get("reward")),
        advantage=number(row.get("advantage")),
        finish=FINISHES.get(str(row.get("finish_reason"))),
        tokens=len(row["response_tokens"]),
        split=file.split,
        extra={name: row[name] for name in KEPT if name in row},
    )


def _ids(row: dict[str, Any], name: str) -> list[int]:
    ids = row[name]
    if not isinstance(ids, list) or not all(isinstance(one, int) for one in ids):
        raise UnusableRow(f"{name} is no list of token ids")
    return ids
