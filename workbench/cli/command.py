"""What makes a function a command: the options --store and --json, its printed answer."""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from pipeline.stopping import TEMPORARY
from workbench.cli.judge_quality import show_judge, with_judge
from workbench.cli.options import Folder

# What a command returns: the object of --json, and the function that prints it for people.
Answer = tuple[dict[str, Any], Callable[[dict[str, Any]], None]]

store_option = click.option(
    "--store", "store_folder", type=Folder(), help="as before the command's name"
)


def verb(command: Callable[..., Answer]) -> click.Command:
    """Make `command(folder, ...)` a command with --store and --json, named after the function.

    With --json nothing but the object reaches standard output: what libraries print there goes
    to standard error.
    """

    def run(*, store_folder: Path | None, as_json: bool, **arguments: Any) -> None:
        context = click.get_current_context()
        folder = chosen_folder(context, store_folder)
        if not as_json:
            value, show = command(folder, **arguments)
            show(value)
            if "judge" in (judged := with_judge(folder, value)):
                show_judge(judged["judge"])
            context.exit(_exit_code(value))
        with contextlib.redirect_stdout(sys.stderr), _descriptor_to_standard_error():
            value, _ = command(folder, **arguments)
            value = with_judge(folder, value)
        print(json.dumps(value, allow_nan=False), flush=True)
        context.exit(_exit_code(value))

    run.__doc__ = command.__doc__
    # the options given before this one to `command` itself
    run.__click_params__ = getattr(command, "__click_params__", [])  # pyright: ignore[reportFunctionMemberAccess]
    run = click.option("--json", "as_json", is_flag=True, help="print one JSON object")(run)
    name = command.__name__.rstrip("_").replace("_", "-")
    summary = (command.__doc__ or "").partition("\n")[0]
    # as short_help the first line is never cut in the list of commands
    return click.command(name, short_help=summary.removesuffix("."))(store_option(run))


def verb_group(name: str, text: str) -> click.Group:
    """A command that has commands of its own; --store may stand before these too."""

    def remember_folder(store_folder: Path | None) -> None:
        chosen_folder(click.get_current_context(), store_folder)

    return click.group(name, help=text, short_help=text.removesuffix("."))(
        store_option(remember_folder)
    )


def chosen_folder(context: click.Context, store_folder: Path | None) -> Path:
    """The store's folder: the last --store of the command line, else its default."""
    root = context.find_root()
    if store_folder is not None:
        root.obj = store_folder
    return root.obj


def _exit_code(value: dict[str, Any]) -> int:
    """1 where a check failed; the code of a time limit where requests are to be retried."""
    failed = any(value.get(name) is False for name in ("verified", "fits", "healthy"))
    return TEMPORARY if value.get("to_ask_again") else int(failed)


def frozen_store(folder: Path) -> Any:
    """The store in `folder` as it is now, for the rest of a command that only reads it."""
    from data.store import snapshot  # loads duckdb and polars, which help texts do without
    from workbench.lookup import existing_store

    return click.get_current_context().with_resource(snapshot(existing_store(folder)))


@contextlib.contextmanager
def _descriptor_to_standard_error() -> Iterator[None]:
    """Send what compiled libraries print, as Gloo does, to standard error."""
    sys.stdout.flush()
    standard_output = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(standard_output, 1)
        os.close(standard_output)
