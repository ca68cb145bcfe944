"""The command `thinkbench`: its verbs in the order that data flows."""

import sys
from pathlib import Path

import click

from workbench.cli.command import Answer, Folder, thinkbench, verb
from workbench.cli.commands import (
    comparisons,
    generations,
    jobs,
    lineage,
    models,
    overlap,
    preflight,
    rollouts,
    rows,
    scores,
    subsets,
    trials,
)
from workbench.cli.errors import exit_code

# importing them makes their verbs
MODULES = (
    rows,
    models,
    generations,
    scores,
    subsets,
    trials,
    comparisons,
    overlap,
    preflight,
    rollouts,
    jobs,
    lineage,
)


@thinkbench.command()
@click.option("--port", default=8501, show_default=True, type=click.IntRange(1, 65535))
@click.option("--store", "here", type=Folder(), help="as before the verb")
@click.option("--address", default="127.0.0.1", show_default=True, help="where it listens")
@click.option("--host", "hosts", multiple=True, help="a name by which people reach it")
@click.option("--read-only", is_flag=True, help="people may look, and change or start nothing")
@click.pass_context
def app(
    context: click.Context,
    port: int,
    here: Path | None,
    address: str,
    hosts: tuple[str, ...],
    read_only: bool,
) -> None:
    """Open the workbench in a browser, on this machine only.

    With --address others reach it too; they sign in with the secret of THINKBENCH_TOKEN.
    """
    from workbench.app import serve

    serve(here or context.find_root().obj, port, address, hosts, read_only)


@verb
def doctor(folder: Path) -> Answer:
    """Say what is installed, what can be reached, and how the store is."""
    from workbench import doctor

    return doctor.report(folder), doctor.show


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code; see workbench/cli/errors.py."""
    sys.exit(
        exit_code(lambda: thinkbench.main(arguments, prog_name="thinkbench", standalone_mode=False))
    )
