"""Verbs that look into scores: what went wrong, what a person says of it, and whether all holds."""

from pathlib import Path

import click

from workbench.cli import Answer, verb
from workbench.cli.commands.generations import GRADERS
from workbench.cli.output import scores
from workbench.lookup import user_name

VERDICTS = ("right", "wrong", "unknown", "as graded")  # evals/scores/overrides.py


@verb
@click.option("--run", "run", required=True, help="an evaluation or import")
@click.option("--category", metavar="NAME", help="the generations with it, each with its evidence")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="of those")
def failures(folder: Path, run: str, category: str | None, limit: int) -> Answer:
    """Say what went wrong in a run, by category.

    Several may hold for one generation.
    """
    from evals.failures import counts
    from workbench.cli import bars
    from workbench.lookup import existing_store

    store = existing_store(folder)
    with bars() as bar:
        counts.categorise_missing(store, run, bar(f"failures {run}"))
    if category is None:
        return counts.failure_counts(store, run), scores.failures
    return counts.list_failures(store, run, category, limit), scores.with_category


@verb
@click.argument("generation")
@click.option("--verdict", required=True, type=click.Choice(VERDICTS))
@click.option("--reason", required=True, help="why, in a few words")
@click.option("--grader", type=click.Choice(GRADERS), default="strict", show_default=True)
@click.option("--author", default=user_name, help="by default who is logged in")
def override(
    folder: Path, generation: str, verdict: str, reason: str, grader: str, author: str
) -> Answer:
    """Let your verdict on a generation count instead of the grader's.

    GENERATION is an id, or its beginning. The grader's verdict stays beside yours, and `as graded`
    takes yours back.
    """
    from evals.scores import overrides
    from workbench.cli.output import tables
    from workbench.lookup import existing_store

    store = existing_store(folder)
    value = overrides.override(store, generation, grader, verdict, reason, author)
    return value, tables.counts("Overridden")


@verb
@click.option("--run", "run", help="one evaluation or import; by default all")
def verify(folder: Path, run: str | None) -> Answer:
    """Compute every stored score again, and say what differs.

    From the stored texts. The exit code is 1 where anything differs.
    """
    from evals.audit.verify import verify
    from workbench.lookup import existing_store

    return verify(existing_store(folder), run), scores.verified
