"""What every verb that trains or runs a model shares: its options, and the job they make."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from workbench.flags import changed_preset


def training(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every verb that trains or runs a model."""
    for option in (
        click.option("--problems", help="a source, or a file or folder in GSM8K's shape"),
        click.option("--seed", type=int, help="of order, adapters and sampling, in every section"),
        click.option(
            "--set", "assignments", multiple=True, metavar="SECTION.KNOB=VALUE", help="any knob"
        ),
        click.option("--preset", default="tiny", show_default=True, help="name or .toml file"),
    ):
        command = option(command)
    return command


@contextlib.contextmanager
def job_of(
    folder: Path,
    *,
    preset: str,
    assignments: tuple[str, ...],
    seed: int | None,
    problems: str | None,
    changes: dict[str, dict[str, Any]] | None = None,
):
    """Yield the job that a training verb works on, its progress shown on standard error."""
    chosen = changed_preset(preset, changes or {}, assignments, seed)  # before jax: says no at once
    from data.sources import cards, name_of_files
    from data.store import open_store
    from workbench.bars import bars

    if problems is not None and Path(problems).exists() and problems not in cards():
        # a source of its own, so that no other problems are mixed with these
        name = name_of_files(Path(problems))
        chosen = chosen.with_knobs("data", problems=name, problems_from=problems)
    elif problems is not None:
        chosen = chosen.with_knobs("data", problems=problems, problems_from="")
    store = open_store(folder)
    from workbench.quiet import quiet

    quiet()
    from pipeline.stages import Job  # loads jax, so only here

    with bars() as bar:
        yield Job(store, chosen, bar)
