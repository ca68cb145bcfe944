"""Progress bars on standard error, and for others to read: what is done, left, and the numbers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[int, int, dict[str, float]], None]  # step, of, numbers to show
Bar = Callable[[str], Progress]  # name of a piece of work -> its progress


@contextmanager
def bars() -> Iterator[Bar]:
    """Yield `bar`: `bar("sft")` is a function of step, of and numbers that moves the bar `sft`."""
    from rich.console import Console  # --help must not wait for it
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from workbench.told import teller

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[numbers]}"),
    )
    shown = Progress(*columns, console=Console(stderr=True))
    tasks, tells = {}, teller()
    try:

        def bar(name: str):
            def progress(step: int, of: int, numbers: dict[str, float]) -> None:
                if not tasks:
                    shown.start()  # with the first bar: an empty display is a blank line
                if name not in tasks:
                    tasks[name] = shown.add_task(name, total=of, numbers="")
                words = "  ".join(f"{key} {value:.4g}" for key, value in numbers.items())
                shown.update(tasks[name], completed=step, total=of, numbers=words)
                tells.step(name, step, of, numbers)

            return progress

        yield bar
    finally:
        if tasks:
            shown.stop()
