"""prime-rl, and evaluations of verifiers v1: traces.jsonl, an episode a line with its traces.

Two folders of one step may hold the same episodes: `all` before filters, `effective` those that
were trained on. Then `all` is read, and what `effective` lacks is discarded.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from evals.imports import Line, UnusableRow
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
    messages,
    number,
    part_value,
    question_in,
    value_of_all,
    whole_number,
)

NAME = "prime-rl"
WRITER = "prime-rl or verifiers v1: rollouts/step_N/.../traces.jsonl"
KEEPS_NEWEST_BATCH = False
ALL, EFFECTIVE = "all", "effective"
TOO_LONG = re.compile("length|max_tokens|token_limit|too_long|truncat", re.IGNORECASE)


def fits(file: LogFile, row: dict[str, Any]) -> bool:
    return file.path.suffix == ".jsonl" and isinstance(row.get("traces"), list)


def is_copy(file: LogFile) -> bool:
    """Whether all episodes of the file are in another one, too."""
    return file.path.parent.name == EFFECTIVE and _beside(file.path, ALL).exists()


def read(file: LogFile, line: Line, decode: Decode | None) -> Iterator[Callable[[], LoggedRollout]]:
    """One rollout per trace of the episode."""
    episode, traces = line.row, line.row["traces"]
    if not traces:
        raise UnusableRow("the episode has no traces")
    for trace in traces:
        yield partial(_rollout, file, episode, trace)


def _rollout(file: LogFile, episode: dict[str, Any], trace: Any) -> LoggedRollout:
    nodes = _path_of_nodes(trace.get("nodes") if isinstance(trace, dict) else None)
    first = next((n for n, node in enumerate(nodes) if node.get("sampled")), None)
    if first is None:
        raise UnusableRow("the trace has no sampled message")
    prompt, sampled = nodes[:first], [node for node in nodes[first:] if node.get("sampled")]
    task = trace.get("task") or episode.get("task") or {}
    prompts = [node.get("message") for node in prompt]
    parts = _parts(trace.get("rewards"))
    advantage, differs = value_of_all([each for n in sampled for each in n.get("advantages") or []])
    valid = [part for part in parts if part.value == part.value]
    reward = number(trace.get("reward"))
    is_computed = reward is None and bool(valid)
    if is_computed:  # unknown where the sum is no finite number
        reward = number(sum(part.value * part.weight for part in valid))
    tokens = [len(node.get("token_ids") or []) for node in sampled]
    return LoggedRollout(
        step=_step(file.path, episode),
        prompt=messages.as_prompt(prompts) if prompts else question_in(task) or "",
        question=messages.last_question(prompts) or question_in(task),
        text="\n".join(messages.content_of(node.get("message")) for node in sampled),
        gold=gold_in(task) or (gold_in(task.get("info")) if isinstance(task, dict) else None),
        group=_group(episode),
        parts=parts,
        reward=reward,
        advantage=advantage,
        finish=_finish(trace),
        tokens=sum(tokens) if all(tokens) else None,
        split=_split(file, episode),
        is_discarded=_is_discarded(file.path, episode),
        extra={
            "id": trace.get("id"),
            "episode": episode.get("id"),
            "env": episode.get("env"),
            "turns": len(sampled),
            **{name: trace[name] for name in ("metrics", "stop_condition") if name in trace},
            "errors": [*(episode.get("errors") or []), *(trace.get("errors") or [])],
        },
        recomputed=(*["reward"] * is_computed, *["advantage"] * differs),
    )


def _path_of_nodes(nodes: Any) -> list[dict[str, Any]]:
    """The messages from the first one to the last sampled one, without other branches."""
    if not isinstance(nodes, list) or not all(isinstance(node, dict) for node in nodes):
        raise UnusableRow("the trace has no list of nodes")
    at = max((n for n, node in enumerate(nodes) if node.get("sampled")), default=None)
    if not any("parent" in node for node in nodes):
        return nodes
    branch = []
    while at is not None and 0 <= at < len(nodes) and len(branch) < len(nodes):
        branch.append(nodes[at])
        at = whole_number(nodes[at].get("parent"))
    return branch[::-1]


def _parts(rewards: Any) -> tuple[Part, ...]:
    """A reward without a score does not apply."""
    pairs = [
        (name, value if isinstance(value, dict) else {"score": value})
        for name, value in (rewards.items() if isinstance(rewards, dict) else ())
    ]
    weights = {name: part_value(value.get("weight", 1.0)) for name, value in pairs}
    return tuple(
        Part(name, part_value(value.get("score")), 1.0 if weights[name] != weights[name] else
             weights[name])
        for name, value in pairs
    )  # fmt: skip


def _step(path: Path, episode: dict[str, Any]) -> int | None:
    step = whole_number(_work(episode).get("step"))
    numbers = [re.fullmatch(r"step_(\d+)", parent.name) for parent in path.parents]
    return next((int(one[1]) for one in numbers if one), None) if step is None else step


def _work(episode: dict[str, Any]) -> dict[str, Any]:
    """What the run did with the episode; empty where only the id of the run is there."""
    run = episode.get("run")
    work = run.get("work") if isinstance(run, dict) else None
    return work if isinstance(work, dict) else {}


def _group(episode: dict[str, Any]) -> str | None:
    group = episode.get("group")
    identity = group.get("id") if isinstance(group, dict) else group
    return None if identity is None else str(identity)


def _split(file: LogFile, episode: dict[str, Any]) -> str | None:
    kind = _work(episode).get("type")
    return {"train": TRAIN, "eval": HELD_OUT}.get(str(kind)) or file.split


def _finish(trace: dict[str, Any]) -> str | None:
    calls = trace.get("calls") or [{}]
    reason = str(trace.get("stop_condition") or calls[-1].get("finish_reason") or "")
    if TOO_LONG.search(reason):
        return LENGTH
    return STOP if calls[-1].get("finish_reason") == "stop" else None


def _is_discarded(path: Path, episode: dict[str, Any]) -> bool:
    effective = _beside(path, EFFECTIVE)
    if path.parent.name != ALL or not effective.exists():
        return False
    return str(episode.get("id")) not in _ids_in(effective)


def _beside(path: Path, folder: str) -> Path:
    return path.parent.parent / folder / path.name


@lru_cache(maxsize=2)  # of the step that is read
def _ids_in(path: Path) -> frozenset[str]:
    with path.open(encoding="utf-8", errors="replace") as lines:
        return frozenset(_id_in(line) for line in lines if line.strip())


def _id_in(line: str) -> str:
    try:
        return str(json.loads(line).get("id"))
    except (ValueError, AttributeError, RecursionError):
        return ""  # a line that is cut off names no episode
