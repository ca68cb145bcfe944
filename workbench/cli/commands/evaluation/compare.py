"""`compare`: paired comparison of two runs on their common problems."""

from pathlib import Path
from typing import Any

import click

from workbench.cli import Answer, fitting_grader_option, frozen_store, verb
from workbench.cli.output import comparisons
from workbench.formatting import paper_table

SLICINGS = ("steps", "source", "split", "length", "gold")  # as in evals/comparison/slices.py


@verb
@click.argument("run_a")
@click.argument("run_b")
@fitting_grader_option
@click.option(
    "--by",
    type=click.Choice(SLICINGS),
    multiple=True,
    help="break down by number of steps, source, split, length of the question (quartiles) or size"
    " of the reference answer; may be repeated",
)
@click.option(
    "--as",
    "form",
    type=click.Choice(("markdown", "latex")),  # as in workbench/formatting/paper_tables.py
    help="print the metrics as a table for a document (LaTeX: with the package booktabs)",
)
def compare(
    folder: Path, run_a: str, run_b: str, grader: str | None, by: tuple[str, ...], form: str | None
) -> Answer:
    """Compare RUN_A with RUN_B on the problems that both answered.

    A run that holds several stages is named as RUN/STAGE.
    """
    from evals.comparison import compare as comparison
    from evals.scores import default_grader

    store = frozen_store(folder)
    value = comparison.compare(
        store, run_a, run_b, grader or default_grader(store, (run_a, run_b)), by
    )
    if form is None:
        return value, comparisons.compared

    def for_a_document(value: dict[str, Any]) -> None:
        click.echo(paper_table(value, (run_a, run_b), form))

    return value, for_a_document
