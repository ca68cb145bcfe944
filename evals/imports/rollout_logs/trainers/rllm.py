"""rLLM: episodes/{train|val}_step_{S}_epoch_{E}/episode_*.json, one episode a file.

A trajectory is a rollout; `episode_id` is {task}:{rollout}, so its task names the group.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from evals.imports import Line, UnusableRow, text_of
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
    value_of_all,
    whole_number,
)

NAME = "rllm"
WRITER = "rLLM: episodes/{train|val}_step_{S}_epoch_{E}/episode_*.json"
KEEPS_NEWEST_BATCH = False
TOO_LONG = re.compile("length|truncat|max_", re.IGNORECASE)
ENDED = ("env_done", "done", "completed")


def fits(file: LogFile, row: dict[str, Any]) -> bool:
    has_trajectories = isinstance(row.get("trajectories"), list)
    return file.path.suffix in (".json", ".jsonl") and has_trajectories and "task" in row


def read(file: LogFile, line: Line, decode: Decode | None) -> Iterator[Callable[[], LoggedRollout]]:
    episode = line.row
    if not episode["trajectories"]:
        raise UnusableRow("the episode has no trajectories")
    for trajectory in episode["trajectories"]:
        yield partial(_rollout, file, episode, trajectory)


def _rollout(file: LogFile, episode: dict[str, Any], trajectory: Any) -> LoggedRollout:
    steps = trajectory.get("steps") if isinstance(trajectory, dict) else None
    if not steps or not all(isinstance(step, dict) for step in steps):
        raise UnusableRow("the trajectory has no steps")
    answers = [text_of(step.get("model_response")) for step in steps]
    texts = [answer for answer in answers if answer is not None]
    if not texts:
        raise UnusableRow("no step has a model_response")
    prompt = steps[0].get("chat_completions") or []
    before = [m for m in prompt if isinstance(m, dict) and m.get("role") in ("system", "user")]
    task = episode["task"]
    question = question_in(task) or messages.last_question(before)
    if question is None:
        raise UnusableRow("neither task nor chat_completions has a question")
    reward = trajectory.get("reward")
    reward = reward if reward is not None else steps[-1].get("reward")
    advantage, differs = value_of_all([a for step in steps for a in _listed(step.get("advantage"))])
    return LoggedRollout(
        step=_step(file.path, episode),
        prompt=messages.as_prompt(before) if before else question,
        question=question,
        text="\n".join(texts),
        gold=gold_in(task) if isinstance(task, dict) else None,
        group=_group(episode),
        parts=(Part("reward", part_value(reward)),),
        reward=number(reward),
        advantage=advantage,
        finish=_finish(str(episode.get("termination_reason") or "")),
        split=file.split,
        extra={
            "turns": len(texts),
            **{
                name: episode[name]
                for name in ("episode_id", "is_correct", "metrics", "termination_reason")
                if name in episode
            },
            **{name: trajectory[name] for name in ("name", "uid") if name in trajectory},
        },
        recomputed=("advantage",) if differs else (),
    )


def _listed(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def _step(path: Path, episode: dict[str, Any]) -> int | None:
    step = whole_number(episode.get("training_step"))
    in_folder = re.search(r"step_(\d+)", path.parent.name)
    return int(in_folder[1]) if step is None and in_folder else step


def _group(episode: dict[str, Any]) -> str | None:
    identity = episode.get("episode_id")
    if isinstance(identity, str) and ":" in identity:
        return identity.rsplit(":", 1)[0]
    task = episode.get("task_hash")
    return None if task is None else str(task)


def _finish(reason: str) -> str | None:
    if TOO_LONG.search(reason):
        return LENGTH
    return STOP if reason.lower() in ENDED else None
