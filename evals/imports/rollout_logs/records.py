"""The rollout that a log of any trainer becomes, and values of logs as this project has them."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import isfinite, nan
from pathlib import Path
from typing import Any

from evals.imports import UnusableRow, gold_of_targets, text_of

STOP, LENGTH = "stop", "length"
TRAIN, HELD_OUT = "train", "eval"
ANSWERS = ("solution", "answer", "ground_truth", "gold", "target", "reference_answer")
LARGEST = 2**1000  # of whole numbers that are read as one of floating point
QUESTIONS = ("question", "problem", "query", "prompt", "instruction")
_HELD_OUT = re.compile(r"(?:^|[_.-])(?:val|valid|validation|eval|evals)(?:[_.-]|$)")
_TRAIN = re.compile(r"(?:^|[_.-])train(?:[_.-]|$)")

Decode = Callable[[Sequence[int]], str]  # token ids -> text, special tokens included


@dataclass(frozen=True)
class LogFile:
    """A file of a log.

    name:       relative to the folder of the log
    is_foreign: no row at its start is one of the format of the log
    """

    path: Path
    name: str
    is_foreign: bool = False

    @property
    def split(self) -> str | None:
        """train or eval, where its name or that of a folder of the log says so, else None."""
        return split_in_name(self.name) or split_in_name(_name_of_root(self))


@dataclass(frozen=True)
class Part:
    """A part of the reward. value: nan where it does not apply to the rollout"""

    name: str
    value: float
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True)
class LoggedRollout:
    """One rollout of a log. None is unknown, except in `question`.

    prompt, text: as the log has them, with the markers of a chat template
    question:     where the log has it apart from the prompt
    group:        names the group within its step; None: the rollouts of one prompt
    split:        train or eval
    is_discarded: it was sampled, and not trained on
    extra:        other fields of the row, without those of single tokens
    recomputed:   fields of this record that were computed from others
    """

    prompt: str
    text: str
    step: int | None = None
    question: str | None = None
    gold: str | None = None
    group: str | None = None
    parts: tuple[Part, ...] = ()
    reward: float | None = None
    advantage: float | None = None
    finish: str | None = None
    tokens: int | None = None
    split: str | None = None
    is_discarded: bool = False
    extra: dict[str, Any] = field(default_factory=dict)
    recomputed: tuple[str, ...] = ()


def required_text(row: dict[str, Any], name: str) -> str:
    text = text_of(row.get(name))
    if text is None:
        raise UnusableRow(f"{name} is missing or no text")
    return text


def number(value: Any) -> float | None:
    """A finite number, also as the one element of a list; None for anything else."""
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, int):
        return float(value) if abs(value) <= LARGEST else None
    return value if isinstance(value, float) and isfinite(value) else None


def part_value(value: Any) -> float:
    """The value of a reward part; nan where it is missing."""
    finite = number(value)
    return nan if finite is None else finite


def whole_number(value: Any) -> int | None:
    """A whole number that a column of the store can hold."""
    finite = number(value)
    is_whole = finite is not None and finite.is_integer() and abs(finite) < 2**31
    return int(finite) if finite is not None and is_whole else None


def gold_in(row: Any, names: Sequence[str] = ANSWERS) -> str | None:
    """The reference answer in the first of these fields that has one; in a text itself."""
    if not isinstance(row, dict):
        return gold_of_targets(row[0] if isinstance(row, list) and len(row) == 1 else row) or None
    return next((gold for name in names if (gold := gold_in(row.get(name)))), None)


def question_in(row: Any) -> str | None:
    """The question in an object that describes a task."""
    if not isinstance(row, dict):
        return text_of(row)
    texts = (text_of(row.get(name)) for name in QUESTIONS)
    return next((text for text in texts if text and text.strip()), None)


def value_of_all(values: Any) -> tuple[float | None, bool]:
    """The mean of values of single tokens, and whether they differ; None where there are none."""
    flat = values
    while isinstance(flat, list) and flat and isinstance(flat[0], list):
        flat = flat[0]
    finite = [each for each in map(number, flat if isinstance(flat, list) else [flat])]
    numbers = [each for each in finite if each is not None]
    if not numbers:
        return None, False
    return sum(numbers) / len(numbers), max(numbers) - min(numbers) > 1e-6


def step_in_name(path: Path) -> int | None:
    """The step in the name of a file: completions_00010.parquet, 10.jsonl, train_data_step10."""
    digits = re.findall(r"\d+", path.stem)
    return int(digits[-1]) if digits else None


@lru_cache(maxsize=64)
def _name_of_root(file: LogFile) -> str:
    """The name of the folder that was imported, or that the imported file lies in."""
    return Path(os.path.abspath(file.path)).parents[len(Path(file.name).parts) - 1].name


@lru_cache(maxsize=64)  # the rows of a file follow each other
def split_in_name(name: str) -> str | None:
    """train or eval, where the name of a file or of a folder before it says so, the last first."""
    for part in reversed(Path(name).parts):
        if _HELD_OUT.search(part):
            return HELD_OUT
        if _TRAIN.search(part):
            return TRAIN
    return None
