"""Verbs that hold runs against each other."""

from pathlib import Path

import click

from workbench.cli import Answer, verb
from workbench.cli.commands.generations import GRADERS
from workbench.cli.output import comparisons

SLICINGS = ("steps", "source", "split", "length", "gold")  # evals/comparison/slices.py


@verb
@click.argument("run_a")
@click.argument("run_b")
@click.option("--grader", type=click.Choice(GRADERS), default="strict", show_default=True)
@click.option(
    "--by",
    type=click.Choice(SLICINGS),
    multiple=True,
    help="also by kind of problem: its steps, source, split, length of its question (quarters)"
    " or size of its gold; may be given several times",
)
def compare(folder: Path, run_a: str, run_b: str, grader: str, by: tuple[str, ...]) -> Answer:
    """Compare RUN_A with RUN_B on the problems that both answered.

    A run that holds several stages is named as RUN/STAGE.
    """
    from evals.comparison.compare import compare
    from workbench.lookup import existing_store

    value = compare(existing_store(folder), run_a, run_b, grader, by)
    return value, comparisons.compared


@verb
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--grader", type=click.Choice(GRADERS), default="strict", show_default=True)
def transitions(folder: Path, runs: tuple[str, ...], grader: str) -> Answer:
    """Say which problems each stage fixed and broke.

    RUN or RUN/STAGE, two or more; of a single RUN its stages: base, sft, grpo, then others. Only
    problems that all of them answered count.
    """
    from evals.comparison.transitions import transitions
    from workbench.lookup import existing_store

    return transitions(existing_store(folder), runs, grader), comparisons.transitions
