"""The progress file of a running command: one JSON file, replaced as a whole.

The environment variable THINKBENCH_PROGRESS names the file; without it nothing is written.
"""

import contextlib
import functools
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

VARIABLE = "THINKBENCH_PROGRESS"
INTERVAL = 0.5  # [s] it is written at most twice a second


class ProgressFile:
    """Writes how much of each piece of work is done, and which runs the command has begun.

    {"runs": [[stage, run]], "work": {name: {"step", "of", "numbers", "began", "first", "at"}}}, the
    times in seconds since 1970; first: the step at which this process began.
    """

    def __init__(self, path: str | None) -> None:
        self.path = Path(path) if path else None
        self.written_at = 0.0
        self.content: dict[str, Any] = {"runs": [], "work": {}}

    def add_run(self, stage: str, run: str) -> None:
        """Record that a run has begun."""
        self.content["runs"].append([stage, run])
        self._write()

    def update(self, name: str, step: int, of: int, numbers: Mapping[str, float]) -> None:
        """Record that `step` of `of` steps of the work `name` are done."""
        if self.path is None:
            return
        now = time.monotonic()  # only differences count, and the clock may be set back
        before = self.content["work"].get(name)
        began, first = (before["began"], before["first"]) if before else (now, step)
        finite = {key: value for key, value in numbers.items() if value == value}  # JSON has no nan
        self.content["work"][name] = {"step": step, "of": of, "numbers": finite, "began": began,
                                      "first": first, "at": now}  # fmt: skip
        if step >= of or before is None or now - self.written_at > INTERVAL:
            self._write()

    def _write(self) -> None:
        if self.path is None:
            return
        self.written_at = time.monotonic()
        part = self.path.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(self.content), encoding="utf-8")
        part.replace(self.path)


def current_progress_file() -> ProgressFile:
    """The progress file of this process, as its environment names it."""
    return _progress_file(os.environ.get(VARIABLE))


@functools.cache  # one a process: it holds all that was recorded before
def _progress_file(path: str | None) -> ProgressFile:
    return ProgressFile(path)


def read_progress(path: Path) -> dict[str, Any]:
    """The content of a progress file; without runs and work where there is no file."""
    with contextlib.suppress(FileNotFoundError):
        return json.loads(path.read_text(encoding="utf-8"))
    return {"runs": [], "work": {}}


def seconds_left(work: dict[str, Any]) -> float | None:
    """Until the piece of work is done, at its pace so far; None where that is unknown."""
    steps, seconds = work["step"] - work["first"], work["at"] - work["began"]
    if steps <= 0 or work["step"] >= work["of"]:
        return None
    return seconds / steps * (work["of"] - work["step"])
