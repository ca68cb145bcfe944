"""The options of every command that trains or runs a model, and the preset that they make."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from data.errors import UserError
from pipeline.config import LOGS, DataConfig, Preset
from pipeline.presets import load_preset
from workbench.cli import Duration, not_empty
from workbench.lookup import changed_preset

Command = Callable[..., Any]

set_option = click.option(
    "--set", "assignments", multiple=True, metavar="SECTION.KNOB=VALUE", help="any knob"
)
resume_option = click.option(
    "--resume",
    metavar="RUN",
    callback=not_empty,
    help="resume this run, or report what changed; by default an interrupted one is resumed",
)


def model_option(default: str) -> Callable[[Command], Command]:
    """The option --model. default: in words"""
    return click.option(
        "--model",
        callback=not_empty,
        help=f"run, 'tiny', folder or hub id; by default {default}",
    )


def training_options(command: Command) -> Command:
    """Give `command` the options that `open_job` takes."""
    for option in (
        click.option(
            "--problems",
            callback=not_empty,
            help="a source, or a file or folder with rows of the shape gsm8k",
        ),
        click.option(
            "--subset", callback=not_empty, help="the records that SFT trains on: NAME[@VERSION]"
        ),
        click.option(
            "--problem-subset",
            callback=not_empty,
            help="the problems of GRPO, or of eval: NAME[@VERSION]",
        ),
        click.option("--seed", type=int, help="of order, adapters and sampling, in every section"),
        set_option,
        click.option(
            "--time-limit", type=Duration(), help="stop in time, to resume later: 8h30m, 90m, 600s"
        ),
        click.option(
            "--log", "logs", multiple=True, type=click.Choice(LOGS), help="log metrics there too"
        ),
        click.option(
            "--allow-other-device", is_flag=True, help="start where the preset's chip is not"
        ),
        click.option(
            "--accept-code-change/--rerun-changed-code",
            "accept_code_change",
            default=None,
            help="go on with a run that differs only in its code, or start a new one; by default"
            " the command refuses, and says what changed",
        ),
        click.option("--preset", default="tiny", show_default=True, help="name or .toml file"),
    ):
        command = option(command)
    return command


def preflight_option(command: Command) -> Command:
    """The switch of every command that trains; it receives `preflight`."""
    return click.option(
        "--preflight/--no-preflight",
        default=True,
        show_default=True,
        help="refuse what does not fit the memory of the preset's chip, by estimate",
    )(command)


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
    """The preset with everything that the training options change in it."""
    chosen = _locations_of_sources(changed_preset(preset, changes or {}, assignments, seed), preset)
    if subset and not any(one.startswith("data.records_filter=") for one in assignments):
        chosen = chosen.with_knobs("data", records_filter="")
    for knob, option in (("subset", subset), ("problem_subset", problem_subset)):
        if name := option or getattr(chosen.data, knob):
            chosen = chosen.with_knobs("data", **{knob: _with_version(folder, name)})
    if chosen.data.subset and load_preset(preset).data.records_filter:
        print(
            f"SFT trains on the subset {chosen.data.subset}: the preset's filter of records is not"
            " applied.",
            file=sys.stderr,
        )
    if problems is None:
        return chosen
    return chosen.with_knobs("data", **_problem_knobs(folder, problems, chosen.data, assignments))


def _locations_of_sources(chosen: Preset, preset: str) -> Preset:
    """`chosen` without the files of the preset's sources where it names other sources."""
    base = load_preset(preset).data
    for source, location in (("records", "records_from"), ("problems", "problems_from")):
        is_other = getattr(chosen.data, source) != getattr(base, source)
        if is_other and getattr(chosen.data, location) == getattr(base, location):
            chosen = chosen.with_knobs("data", **{location: ""})
    return chosen


def _with_version(folder: Path, name: str) -> str:
    """NAME@VERSION of a subset: what is saved during the run changes nothing."""
    from data.subsets import subset
    from workbench.lookup import existing_store

    return subset(existing_store(folder), name).label


def _problem_knobs(
    folder: Path, problems: str, data: DataConfig, assignments: tuple[str, ...]
) -> dict[str, str]:
    """The knobs that name these problems: a bundled source, one of the store, or files.

    data: with the file or folder that the preset names, or one of `assignments`
    """
    from data.sources import files_in, looks_like_a_path, name_of_files
    from data.sources.cards import cards

    given = any(one.startswith("data.problems_from=") for one in assignments)
    location = data.problems_from if given or problems == data.problems else ""
    sources = _sources(folder)
    # what is ingested comes first: a folder may have the name of a source
    if problems in (*cards(), *sources):
        return {"problems": problems, "problems_from": location}
    if Path(problems).exists() or looks_like_a_path(problems):
        files_in(Path(problems))
        if given and location:
            raise UserError(
                f"the problems are in {problems} and in {location}: name their file once. Leave out"
                " data.problems_from, or give --problems the name of their source"
            )
        # a source of its own, so that no other problems are mixed with these
        return {"problems": name_of_files(Path(problems)), "problems_from": problems}
    if not location:
        raise UserError(
            f"no problems {problems!r}; expected a source ({', '.join((*cards(), *sources))}), or"
            " a file or folder with rows of the shape gsm8k"
        )
    return {"problems": problems, "problems_from": location}


def _sources(folder: Path) -> list[str]:
    """Names of the sources that the store in `folder` has; none if there is no store."""
    from data.store import ask, open_store

    if not (folder / "STORE.json").is_file():
        return []
    rows = ask(open_store(folder), "select distinct source from records order by source")
    return rows["source"].to_list()
