"""`transitions`: which problems each stage fixed and which it broke."""

from pathlib import Path

import click

from workbench.cli import Answer, fitting_grader_option, frozen_store, verb
from workbench.cli.output import comparisons


@verb
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@fitting_grader_option
def transitions(folder: Path, runs: tuple[str, ...], grader: str | None) -> Answer:
    """Count the problems that each stage fixed and broke.

    Two or more of RUN or RUN/STAGE, or a single RUN with its stages: base, sft, grpo, then others.
    Only problems that all of them answered count.
    """
    from evals.comparison import transitions as steps
    from evals.scores import default_grader

    store = frozen_store(folder)
    value = steps.transitions(store, runs, grader or default_grader(store, runs))
    return value, comparisons.transitions
