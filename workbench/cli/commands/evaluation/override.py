"""`override`: correct a grader's verdict by hand."""

from pathlib import Path

import click

from workbench.cli import Answer, author_option, grader_option, reason_option, verb
from workbench.cli.output import tables

VERDICTS = ("right", "wrong", "unknown", "as graded")  # as in evals/scores/overrides.py


@verb
@click.argument("generation")
@click.option(
    "--verdict",
    required=True,
    type=click.Choice(VERDICTS),
    help="right: correct; as graded: remove your override",
)
@reason_option
@grader_option
@author_option
def override(
    folder: Path, generation: str, verdict: str, reason: str, grader: str, author: str
) -> Answer:
    """Override the grader's verdict on a generation.

    GENERATION is an id or the beginning of one. The grader's verdict stays stored beside yours, and
    `as graded` removes yours.
    """
    from evals.scores import overrides
    from workbench.lookup import existing_store

    store = existing_store(folder)
    value = overrides.override(store, generation, grader, verdict, reason, author)
    return value, tables.counts("Overridden")
