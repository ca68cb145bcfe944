"""What makes a function a verb of the command line, with --store and --json."""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from pipeline.stopping import TEMPORARY

# What a command gives back: the object of --json, and what prints it for people.
Answer = tuple[dict[str, Any], Callable[[dict[str, Any]], None]]


ORDER = (
    *("ingest", "convert", "audit", "quarantine", "release", "subset"),
    *("preflight", "sft", "grpo", "eval", "export", "run", "ab"),
    *(
        "grade",
        "failures",
        "override",
        "compare",
        "transitions",
        "overlap",
        "import",
        "verify",
        "lineage",
    ),
    *("learnability", "rewards", "jobs"),
    *("app", "doctor"),
)


class InFlowOrder(click.Group):
    """Lists the verbs in the order that data flows, not by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self.commands, key=ORDER.index)


def not_empty(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """For options: "" is no name, and does not mean the default."""
    if value == "":
        raise click.BadParameter("is empty; leave the option out for its default")
    return value


class Folder(click.Path):
    """A folder by its name, which is not empty."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, file_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("is empty; expected the name of a folder", param, ctx)
        return super().convert(value, param, ctx)


@click.group(
    cls=InFlowOrder,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--store",
    type=Folder(),
    envvar="THINKBENCH_STORE",
    default=Path("store"),
    show_default=True,
    show_envvar=True,
    help="folder that keeps everything",
)
@click.version_option(package_name="thinkbench")
@click.pass_context
def thinkbench(context: click.Context, store: Path) -> None:
    """Teach a small language model to think step by step, and see what that changed."""
    context.obj = store


def _status(value: dict[str, Any]) -> int:
    """1 where it does not hold, or does not fit; as out of time where some is still to ask."""
    failed = value.get("verified") is False or value.get("fits") is False
    return TEMPORARY if value.get("to_ask_again") else int(failed)


def verb(command: Callable[..., Answer], of: click.Group = thinkbench) -> click.Command:
    """Make `command(folder, ...)` a verb with --store and --json.

    of: the group of verbs that it belongs to

    With --json nothing but the object reaches standard output: what libraries print there goes
    to standard error.
    """

    def answered(*, here: Path | None, as_json: bool, **arguments: Any) -> None:
        context = click.get_current_context()
        if here is not None:
            context.find_root().obj = here
        folder = context.find_root().obj
        if not as_json:
            value, show = command(folder, **arguments)
            show(value)
            context.exit(_status(value))
        with contextlib.redirect_stdout(sys.stderr), _descriptor_to_standard_error():
            value, _ = command(folder, **arguments)
        print(json.dumps(value, allow_nan=False), flush=True)
        context.exit(_status(value))

    answered.__doc__ = command.__doc__
    # options given before this one to `command` itself
    answered.__click_params__ = getattr(command, "__click_params__", [])  # pyright: ignore[reportFunctionMemberAccess]
    answered = click.option("--json", "as_json", is_flag=True, help="print one JSON object")(
        answered
    )
    answered = click.option("--store", "here", type=Folder(), help="as before the verb")(answered)
    return of.command(command.__name__.rstrip("_"))(answered)


@contextlib.contextmanager
def _descriptor_to_standard_error() -> Iterator[None]:
    """What compiled libraries write to standard output, as Gloo does, goes to standard error."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def verbs(group: Callable[[], None]) -> click.Group:
    """Make `group` a verb that has verbs of its own; --store may stand before these too."""

    def named(here: Path | None) -> None:
        if here is not None:
            click.get_current_context().find_root().obj = here

    named.__doc__ = group.__doc__
    named = click.option("--store", "here", type=Folder(), help="as before the verb")(named)
    return thinkbench.group(group.__name__)(named)
