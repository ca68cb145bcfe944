"""Progress as plain lines, for notebooks and logs: one at the start, the end and each interval.

The environment variable THINKBENCH_PROGRESS_LINES, a number of seconds, chooses lines over bars.
"""

import math
import os
import sys
import time
from collections.abc import Callable, Mapping

from data.errors import UserError
from workbench.formatting import duration, visible

VARIABLE = "THINKBENCH_PROGRESS_LINES"
RUN = "run: "  # begins the line that names a run when its stage starts


def interval_of_lines() -> float | None:
    """Seconds between two lines of one piece of work; None where bars are wanted."""
    text = os.environ.get(VARIABLE, "")
    if not text:
        return None
    try:
        seconds = float(text)
        if seconds > 0 and math.isfinite(seconds):
            return seconds
    except ValueError:
        pass
    raise UserError(
        f"{VARIABLE} is {text!r}; expected a number of seconds between two lines, such as 60"
    )


class Lines:
    """Prints progress on standard error. clock: [seconds], from any start"""

    def __init__(self, interval: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.interval, self.clock, self.began = interval, clock, clock()
        self.work: dict[str, tuple[float, int]] = {}  # when it began here, and at which step
        self.last: dict[str, float] = {}
        self.ended: set[str] = set()  # a last step may be reported several times

    def show(self, name: str, step: int, total: int, numbers: Mapping[str, float]) -> None:
        now = self.clock()
        began, first = self.work.setdefault(name, (now, step))
        if step < total and now - self.last.get(name, -math.inf) < self.interval:
            return
        if step >= total and name in self.ended:
            return
        (self.ended.add if step >= total else self.ended.discard)(name)
        self.last[name] = now
        parts = [f"{visible(name)} {step:,}/{total:,}"]
        parts += [f"{key} {value:.4g}" for key, value in numbers.items()]
        if first < step < total:
            left = (now - began) / (step - first) * (total - step)
            parts.append(f"{duration(left)} left")
        self._print("  ".join(parts))

    def _print(self, text: str) -> None:
        seconds = int(self.clock() - self.began)
        shown = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        print(f"[{shown}] {text}", file=sys.stderr, flush=True)


def announce(stage: str, run: str) -> None:
    """Print which run a stage has begun, or found done, where lines are wanted."""
    if interval_of_lines() is not None:
        print(f"{RUN}{visible(run)} ({visible(stage)})", file=sys.stderr, flush=True)
