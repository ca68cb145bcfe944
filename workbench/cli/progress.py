"""Progress bars on standard error, and for others to read: what is done, left, and the numbers."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from data.progress import ProgressReporter


@contextmanager
def bars(clock: Callable[[], float] = time.monotonic) -> Iterator[ProgressReporter]:
    """Yield `bar`: `bar("sft")` is a function of step, of and numbers that moves the bar `sft`.

    clock: seconds, from whenever
    """
    from rich.console import Console  # --help must not wait for it
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from workbench.jobs import current_progress_file

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[numbers]}"),
    )
    # By itself rich knows no pace, so no time left, where a step takes longer than 30 s: it forgets
    # older ones. It keeps the newest thousand in any case.
    shown = Progress(
        *columns,
        console=Console(stderr=True),
        get_time=clock,
        speed_estimate_period=math.inf,
    )
    tasks, file = {}, current_progress_file()
    try:

        def bar(name: str):
            def progress(step: int, of: int, numbers: Mapping[str, float]) -> None:
                if not tasks:
                    shown.start()  # with the first bar: an empty display is a blank line
                if name not in tasks:
                    tasks[name] = shown.add_task(name, total=of, numbers="")
                words = "  ".join(f"{key} {value:.4g}" for key, value in numbers.items())
                shown.update(tasks[name], completed=step, total=of, numbers=words)
                file.update(name, step, of, numbers)

            return progress

        yield bar
    finally:
        if tasks:
            shown.stop()
