"""`failures`: what went wrong in a run, by category."""

from pathlib import Path

import click

from workbench.cli import Answer, GraderName, limit_option, verb
from workbench.cli.output.grading import scores


@verb
@click.option("--run", "run", required=True, help="an evaluation or import")
@click.option("--category", metavar="NAME", help="list its generations, each with its evidence")
@click.option(
    "--grader",
    type=GraderName(),
    help="whose correct answers have no errors; by default those of every grader but notebook",
)
@limit_option
def failures(
    folder: Path, run: str, category: str | None, grader: str | None, limit: int
) -> Answer:
    """Count the failures of a run by category.

    A generation may have several categories.
    """
    from evals.failures import counts
    from evals.scores import grade_missing
    from workbench.cli import bars
    from workbench.lookup import existing_store

    store = existing_store(folder)
    with bars() as bar:
        counts.categorise_missing(store, run, bar(f"failures {run}"))
    if grader is not None:
        grade_missing(store, run, grader)
    if category is None:
        return counts.failure_counts(store, run, grader), scores.failures
    return counts.list_failures(store, run, category, limit, grader), scores.with_category
