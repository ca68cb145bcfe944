"""The progress reporter of commands: bars on standard error, and the progress file of a job."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from data.progress import ProgressReporter
from workbench.formatting import visible

if TYPE_CHECKING:
    from rich.progress import Progress


@contextmanager
def bars(clock: Callable[[], float] = time.monotonic) -> Iterator[ProgressReporter]:
    """Yield `bar`: `bar("sft")` is a function of step, total and numbers that moves the bar `sft`.

    clock: [seconds], from any start
    """
    from workbench.jobs import current_progress_file

    display, file = _display(clock), current_progress_file()
    tasks = {}

    def bar(name: str):
        def progress(step: int, total: int, numbers: Mapping[str, float]) -> None:
            if not tasks:
                display.start()  # with the first bar: an empty display is a blank line
            if name not in tasks:
                tasks[name] = display.add_task(visible(name), total=total, numbers="")
            text = "  ".join(f"{key} {value:.4g}" for key, value in numbers.items())
            display.update(tasks[name], completed=step, total=total, numbers=text)
            file.update(name, step, total, numbers)

        return progress

    try:
        yield bar
    finally:
        if tasks:
            display.stop()


def _display(clock: Callable[[], float]) -> "Progress":
    from rich.console import Console  # not loaded for --help
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[numbers]}", markup=False),
    )
    # By default rich estimates the pace from the last 30 s, and shows no time left where a step
    # takes longer. It keeps the newest thousand steps in any case.
    return Progress(
        *columns,
        console=Console(stderr=True),
        get_time=clock,
        speed_estimate_period=math.inf,
    )
