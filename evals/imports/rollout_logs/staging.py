"""Reading of a rollout log: its rollouts as Parquet files of a temporary folder, with counts.

Rows of one step may stand anywhere in a log, and an advantage needs the whole group. So rows are
written as they are read, with an index of steps, and read again step by step: memory holds a few
thousand of them whatever the log's size.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from math import isnan
from pathlib import Path
from typing import Any

import polars as pl

from data.progress import Progress, no_progress
from data.store import REWARD
from evals.imports import Rejection, text_of
from evals.imports.rollout_logs.chat_turns import last_user_turn, without_end_markers
from evals.imports.rollout_logs.formats import LogFormat, rollouts_of
from evals.imports.rollout_logs.records import TRAIN, Decode, LogFile, LoggedRollout

ROWS_PER_FILE = 10_000
NO_STEP = 0  # of rollouts whose step the log does not say
COLUMNS = {
    "file": pl.String,
    "line": pl.Int64,
    "step": pl.Int64,
    "split": pl.String,
    "group": pl.String,  # as the log names it, else a hash of the prompt
    "problem": pl.Int64,  # position in the list of problems
    "prompt": pl.String,
    "completion": pl.String,  # as the log has it; null where `text` is the same
    "text": pl.String,
    "rewards": pl.List(REWARD),
    "reward": pl.Float64,
    "advantage": pl.Float64,
    "finish": pl.String,
    "tokens": pl.Int32,
    "discarded": pl.Boolean,
    "extra": pl.String,  # JSON
    "recomputed": pl.List(pl.String),
}
PROBLEM = {"question": pl.String, "gold": pl.String, "split": pl.String}
FIELDS = ("step", "group", "gold", "rewards", "reward", "advantage", "finish", "tokens")


@dataclass
class StagedLog:
    """What was read of a log: its rows in `folder`, and counts.

    files_of_step:    split -> step -> numbers of the files in `folder` that have rows of it
    steps:            split -> those that the log says
    unknown, rollouts: by split; unknown counts the FIELDS that a row lacks
    part_names:       in the order in which they were met, and all combinations of them
    """

    folder: Path
    files: int = 0
    problems: int = 0
    read: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    rollouts: Counter[str] = field(default_factory=Counter)
    unknown: dict[str, Counter[str]] = field(default_factory=dict)
    dialects: Counter[str] = field(default_factory=Counter)
    files_of_step: dict[str, dict[int, dict[int, None]]] = field(default_factory=dict)
    steps: dict[str, set[int]] = field(default_factory=dict)
    part_names: dict[tuple[str, ...], None] = field(default_factory=dict)

    def rows(self, split: str) -> Iterator[pl.DataFrame]:
        """The rows of each step, in the order of steps and, within one, of the log."""
        cached: tuple[int, pl.DataFrame] | None = None
        for step, numbers in sorted(self.files_of_step.get(split, {}).items()):
            pieces = []
            for number in numbers:
                if cached is None or cached[0] != number:
                    cached = number, pl.read_parquet(_path(self.folder, "rows", number))
                pieces.append(cached[1].filter(step=step, split=split))
            yield pl.concat(pieces)

    def problem_batches(self) -> Iterator[pl.DataFrame]:
        """PROBLEM in order, some thousand at a time."""
        for path in sorted(self.folder.glob("problems-*.parquet")):
            yield pl.read_parquet(path)

    @property
    def rejections(self) -> Path:
        return self.folder / "rejected.jsonl"


def stage(
    files: list[LogFile],
    log_format: LogFormat,
    folder: Path,
    decode: Decode | None = None,
    progress: Progress = no_progress,
) -> StagedLog:
    """Read the whole log into `folder`, which is empty."""
    staged = StagedLog(folder)
    writer = _Writer(staged)
    with staged.rejections.open("w", encoding="utf-8", errors="replace") as rejections:
        for done, file in enumerate(files, 1):
            for line, row in rollouts_of(file, log_format, decode):
                staged.read += 1
                if isinstance(row, Rejection):
                    staged.rejected[row.reason.partition(":")[0]] += 1
                    entry = {"file": file.name, **asdict(row)}
                    rejections.write(json.dumps(entry, ensure_ascii=False) + "\n")
                else:
                    writer.add(file.name, line, row)
            progress(done, len(files), {"rollouts": staged.read})
    writer.flush(whole=True)
    return staged


class _Writer:
    """Writes rows and distinct problems to the folder of a log, some thousand at a time."""

    def __init__(self, staged: StagedLog) -> None:
        self.staged = staged
        self._rows: list[tuple[Any, ...]] = []
        self._problems: list[tuple[str, str | None, str]] = []
        self._numbers: dict[bytes, int] = {}  # hash of a problem -> its position

    def add(self, file: str, line: int, rollout: LoggedRollout) -> None:
        staged, split = self.staged, rollout.split or TRAIN
        turn = last_user_turn(rollout.prompt)
        question = turn.text if rollout.question is None else rollout.question.strip()
        step = NO_STEP if rollout.step is None else rollout.step
        text = without_end_markers(rollout.text)
        parts = tuple(_utf8(part.name) for part in rollout.parts)
        staged.rollouts[split] += 1
        staged.dialects[turn.dialect or "none"] += 1
        staged.part_names[parts] = None
        staged.unknown.setdefault(split, Counter()).update(_unknown(rollout))
        steps = staged.files_of_step.setdefault(split, {})
        steps.setdefault(step, {})[staged.files] = None
        staged.steps.setdefault(split, set()).update([] if rollout.step is None else [step])
        self._rows.append(
            (
                _utf8(file),
                line,
                step,
                split,
                _hash(rollout.prompt).hex() if rollout.group is None else _utf8(rollout.group),
                self._number(question, rollout.gold, split),
                _utf8(rollout.prompt),
                None if text == rollout.text else _utf8(rollout.text),
                _utf8(text),
                [  # asdict takes ten times as long
                    {"name": _utf8(part.name), "value": part.value, "weight": part.weight}
                    for part in rollout.parts
                ],
                rollout.reward,
                rollout.advantage,
                rollout.finish,
                rollout.tokens,
                rollout.is_discarded,
                _json(rollout.extra),
                list(rollout.recomputed),
            )
        )
        if len(self._rows) >= ROWS_PER_FILE:
            self.flush()

    def _number(self, question: str, gold: str | None, split: str) -> int:
        key = _hash(f"{gold is None}\0{split}\0{gold}\0{question}")
        if key not in self._numbers:
            self._numbers[key] = len(self._numbers)
            self._problems.append((_utf8(question), gold, split))
        return self._numbers[key]

    def flush(self, *, whole: bool = False) -> None:
        """Write the rows; `whole`: the problems, too, however few they are."""
        folder = self.staged.folder
        if self._rows:
            rows = pl.DataFrame(self._rows, schema=COLUMNS, orient="row")
            rows.write_parquet(_path(folder, "rows", self.staged.files), compression="zstd")
            self.staged.files += 1
            self._rows = []
        if self._problems and (whole or len(self._problems) >= ROWS_PER_FILE):
            problems = pl.DataFrame(self._problems, schema=PROBLEM, orient="row")
            problems.write_parquet(_path(folder, "problems", self.staged.problems))
            self.staged.problems = len(self._numbers)
            self._problems = []


def _unknown(rollout: LoggedRollout) -> list[str]:
    """The FIELDS that the log does not have for this rollout."""
    lacking = [name for name in FIELDS if getattr(rollout, name, 0) is None]
    if all(isnan(part.value) for part in rollout.parts):
        lacking.append("rewards")
    return [*lacking, *(name for name in rollout.recomputed if name not in lacking)]


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _utf8(text: str) -> str:
    """A lone surrogate cannot be stored."""
    return text if text.isascii() else text_of(text) or ""


def _json(extra: dict[str, Any]) -> str | None:
    return json.dumps(extra, ensure_ascii=True, default=str) if extra else None


def _path(folder: Path, kind: str, number: int) -> Path:
    return folder / f"{kind}-{number:09d}.parquet"
