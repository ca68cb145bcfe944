"""What every verb that trains or runs a model shares: its options, and the job they make."""

import contextlib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from data.errors import UserError
from pipeline.config import LOGS, Preset
from workbench.cli.command import not_empty
from workbench.lookup import changed_preset


class Duration(click.ParamType):
    """`8h30m`, `90m` or `600s` as seconds."""

    name = "duration"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", str(value))
        if not found or not any(found.groups()):
            self.fail(f"{value!r} is no time; expected hours, minutes and seconds, as 8h30m", param)
        hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return float(hours * 3600 + minutes * 60 + seconds)


def training(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every verb that trains or runs a model."""
    for option in (
        click.option(
            "--problems", callback=not_empty, help="a source, or a file or folder in GSM8K's shape"
        ),
        click.option(
            "--subset", callback=not_empty, help="of records that SFT learns from: NAME[@VERSION]"
        ),
        click.option(
            "--problem-subset", callback=not_empty, help="of problems that GRPO asks, likewise"
        ),
        click.option("--seed", type=int, help="of order, adapters and sampling, in every section"),
        click.option(
            "--set", "assignments", multiple=True, metavar="SECTION.KNOB=VALUE", help="any knob"
        ),
        click.option(
            "--time-limit", type=Duration(), help="leave in time, to go on later: 8h30m, 90m, 600s"
        ),
        click.option(
            "--log", "logs", multiple=True, type=click.Choice(LOGS), help="numbers go there too"
        ),
        click.option("--preset", default="tiny", show_default=True, help="name or .toml file"),
    ):
        command = option(command)
    return command


def preflighted(command: Callable[..., Any]) -> Callable[..., Any]:
    """The switch of every verb that trains; it receives `preflight`."""
    switch = click.option(
        "--preflight/--no-preflight",
        default=True,
        show_default=True,
        help="refuse to start what does not fit the memory of the preset's chip, by estimate",
    )
    return switch(command)


@contextlib.contextmanager
def job_of(
    folder: Path,
    *,
    preset: str,
    assignments: tuple[str, ...],
    seed: int | None,
    problems: str | None,
    time_limit: float | None,
    subset: str | None = None,
    problem_subset: str | None = None,
    logs: tuple[str, ...] = (),
    resume: str | None = None,
    changes: dict[str, dict[str, Any]] | None = None,
):
    """Yield the job that a training verb works on, its progress shown on standard error."""
    started = time.monotonic()
    # before jax: says no at once
    chosen = chosen_preset(
        folder, preset, assignments, seed, problems, changes, subset, problem_subset
    )
    from data.store import open_store
    from workbench.cli.progress import bars
    from workbench.jobs import current_progress_file

    store = open_store(folder)
    from workbench.cli.quiet import quiet

    quiet()
    from pipeline import distributed  # loads jax, so only here

    distributed.join(os.environ)
    from pipeline.job import Job
    from pipeline.stopping import Stop

    stop = Stop(None if time_limit is None else started + time_limit, distributed.any_of)
    with bars() as bar:
        yield Job(store, chosen, bar, stop, resume, logs, current_progress_file().add_run)


def chosen_preset(
    folder: Path,
    preset: str,
    assignments: tuple[str, ...],
    seed: int | None,
    problems: str | None,
    changes: dict[str, dict[str, Any]] | None = None,
    subset: str | None = None,
    problem_subset: str | None = None,
) -> Preset:
    """The preset with all that the options of `training` change in it."""
    chosen = changed_preset(preset, changes or {}, assignments, seed)
    for knob, said in (("subset", subset), ("problem_subset", problem_subset)):
        if said := said or getattr(chosen.data, knob):
            chosen = chosen.with_knobs("data", **{knob: _version_of(folder, said)})
    if problems is None:
        return chosen
    return chosen.with_knobs("data", **_source_of(folder, problems))


def _version_of(folder: Path, said: str) -> str:
    """The subset with its version: what is saved meanwhile changes nothing."""
    from data.subsets import subset
    from workbench.lookup import existing_store

    return subset(existing_store(folder), said).label


def _source_of(folder: Path, problems: str) -> dict[str, str]:
    """The knobs that name these problems: a source with a card, one of the store, or files."""
    from data.sources import files_in, looks_like_a_place, name_of_files
    from data.sources.cards import cards
    from data.store import ask, open_store

    if problems in cards():
        return {"problems": problems, "problems_from": ""}
    if Path(problems).exists() or looks_like_a_place(problems):
        files_in(Path(problems))
        # a source of its own, so that no other problems are mixed with these
        return {"problems": name_of_files(Path(problems)), "problems_from": problems}
    known: list[str] = []
    if (folder / "STORE.json").is_file():
        found = ask(open_store(folder), "select distinct source from records order by source")
        known = found["source"].to_list()
    if problems not in known:
        raise UserError(
            f"no problems {problems!r}; expected a source ({', '.join((*cards(), *known))}), or a"
            " file or folder in GSM8K's shape"
        )
    return {"problems": problems, "problems_from": ""}
