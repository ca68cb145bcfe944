"""The progress reporter of commands: bars or lines on standard error, and the file of a job."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from data.progress import ProgressReporter
from workbench.cli.progress_lines import Lines, interval_of_lines
from workbench.formatting import visible

if TYPE_CHECKING:
    from rich.progress import Progress


@contextmanager
def bars(clock: Callable[[], float] = time.monotonic) -> Iterator[ProgressReporter]:
    """Yield `bar`: `bar("sft")` is a function of step, total and numbers that moves the bar `sft`.

    clock: [seconds], from any start
    """
    from workbench.jobs import current_progress_file

    file = current_progress_file()
    if (seconds := interval_of_lines()) is not None:
        yield _lines(Lines(seconds, clock), file.update)
        return
    display = _display(clock)
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


def _lines(
    lines: Lines, update: Callable[[str, int, int, Mapping[str, float]], None]
) -> ProgressReporter:
    """The reporter that prints lines, and writes the progress file."""

    def line(name: str):
        def progress(step: int, total: int, numbers: Mapping[str, float]) -> None:
            lines.show(name, step, total, numbers)
            update(name, step, total, numbers)

        return progress

    return line


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
