"""NeMo-RL's GRPO: train_data_step{N}.jsonl and val_data_step{N}.jsonl in logger.log_dir.

A line is a sample, most of its values lists of one element. `content` has prompt and completion in
one text with the markers of the chat template, or is a list of messages. The advantage is logged by
token; its mean is the advantage.
"""

import re
from collections.abc import Iterator
from typing import Any

from evals.imports import Line, UnusableRow, text_of
from evals.imports.rollout_logs import (
    Decode,
    LogFile,
    LoggedRollout,
    Part,
    messages,
    number,
    part_value,
    prompt_and_completion,
    step_in_name,
    value_of_all,
)

NAME = "nemo-rl"
WRITER = "NeMo-RL: train_data_step{N}.jsonl of logger.log_dir"
KEEPS_NEWEST_BATCH = False
KEPT = ("agent_ref", "filtered_rewards", "idx", "input_lengths", "sample_loss_mask")
FILE = re.compile(r"_step\d+$")


def fits(file: LogFile, row: dict[str, Any]) -> bool:
    named = file.path.suffix == ".jsonl" and FILE.search(file.path.stem) is not None
    return named and {"content", "rewards"} <= row.keys()


def read(file: LogFile, line: Line, decode: Decode | None) -> Iterator[LoggedRollout]:
    row = line.row
    prompt, question, text = _texts(row["content"])
    mask = _first_list(row.get("token_loss_mask"))
    advantages = _first_list(row.get("advantages"))
    if mask and advantages and len(mask) == len(advantages):
        advantages = [value for value, counts in zip(advantages, mask, strict=True) if counts]
    advantage, differs = value_of_all(advantages)
    yield LoggedRollout(
        step=step_in_name(file.path),
        prompt=prompt,
        question=question,
        text=text,
        parts=(Part("reward", part_value(row["rewards"])),),
        reward=number(row["rewards"]),
        advantage=advantage,
        tokens=sum(bool(each) for each in mask) if mask else None,
        split=file.split,
        extra={name: row[name] for name in KEPT if name in row},
        recomputed=("advantage",) if differs else (),
    )


def _texts(content: Any) -> tuple[str, str | None, str]:
    """Prompt, question where it is known, completion."""
    while isinstance(content, list) and len(content) == 1 and not isinstance(content[0], dict):
        content = content[0]
    if isinstance(content, list):
        before, after = messages.divided(content)
        texts = messages.answers(after)
        return messages.as_prompt(before), messages.last_question(before), "\n".join(texts)
    pair = prompt_and_completion(text_of(content) or "")
    if pair is None:
        raise UnusableRow("no marker of a chat template divides prompt and completion")
    return pair[0], None, pair[1]


def _first_list(values: Any) -> list[Any]:
    """The innermost of lists of one list each; a value alone is a list of itself."""
    while isinstance(values, list) and values and isinstance(values[0], list):
        values = values[0]
    if isinstance(values, list):
        return values
    return [] if values is None else [values]
