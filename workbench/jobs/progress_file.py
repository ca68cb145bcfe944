"""Where a running command tells others how far it is: one JSON file, replaced as a whole.

The variable THINKBENCH_PROGRESS names the file; without it nothing is written.
"""

import contextlib
import functools
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PLACE = "THINKBENCH_PROGRESS"
EVERY = 0.5  # [s] at most twice a second


class Teller:
    """Tells what is done of each piece of work, and which runs they make.

    {"runs": [[stage, run]], "work": {name: {"step", "of", "numbers", "began", "at"}}}, the times in
    seconds since 1970.
    """

    def __init__(self, place: str | None) -> None:
        self.path = Path(place) if place else None
        self.last = 0.0
        self.found: dict[str, Any] = {"runs": [], "work": {}}

    def run(self, stage: str, run: str) -> None:
        """A run has begun."""
        self.found["runs"].append([stage, run])
        self._write()

    def step(self, name: str, step: int, of: int, numbers: Mapping[str, float]) -> None:
        """So many steps of the work `name` are done."""
        if self.path is None:
            return
        now = time.time()
        known = self.found["work"].get(name)
        began = (known["began"], known["first"]) if known else (now, step)
        told = {key: value for key, value in numbers.items() if value == value}  # JSON has no nan
        self.found["work"][name] = {"step": step, "of": of, "numbers": told, "began": began[0],
                                    "first": began[1], "at": now}  # fmt: skip
        if step >= of or known is None or now - self.last > EVERY:
            self._write()

    def _write(self) -> None:
        if self.path is None:
            return
        self.last = time.time()
        beside = self.path.with_suffix(f".{os.getpid()}")
        beside.write_text(json.dumps(self.found), encoding="utf-8")
        beside.replace(self.path)


def teller() -> Teller:
    """The teller of this process, as its environment asks for it."""
    return _teller(os.environ.get(PLACE))


@functools.cache  # one a process: it knows all that was told before
def _teller(place: str | None) -> Teller:
    return Teller(place)


def told(path: Path) -> dict[str, Any]:
    """What was told last, or that nothing was."""
    with contextlib.suppress(FileNotFoundError):
        return json.loads(path.read_text(encoding="utf-8"))
    return {"runs": [], "work": {}}


def seconds_left(work: dict[str, Any]) -> float | None:
    """Until the piece of work is done, at its pace so far; None where that is not known."""
    done, taken = work["step"] - work["first"], work["at"] - work["began"]
    if done <= 0 or work["step"] >= work["of"]:
        return None
    return taken / done * (work["of"] - work["step"])
