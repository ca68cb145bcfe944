"""`grade`: grade stored generations with another grader, or by a judge."""

from pathlib import Path
from typing import Any

import click

from data.errors import UserError
from workbench.cli import JUDGE, Answer, bars, grader_option, verb
from workbench.cli.output import tables
from workbench.cli.output.grading import judge as output


@verb
@click.argument("name", metavar="[RUN]", required=False)
@click.option("--run", "run", help="an evaluation or import; by default all")
@grader_option
@click.option(
    "--limit",
    type=click.IntRange(1),
    help="of a judge: this many generations of the run, a random choice that stays the same; what"
    " has a verdict is not asked again",
)
@click.option(
    "--dry-run", is_flag=True, help="of a judge: ask nothing; print how many requests and tokens"
)
def grade(
    folder: Path, name: str | None, run: str | None, grader: str, limit: int | None, dry_run: bool
) -> Answer:
    """Grade stored generations with another grader, without the model that wrote them.

    A judge (judge:NAME) asks the model of its rubric about each; see `thinkbench judge`.
    """
    from evals.comparison import grade_run, grade_runs
    from workbench.lookup import existing_store

    if name and run and name != run:
        raise UserError(f"two runs are named, {name!r} and {run!r}; expected one. Name it once.")
    run = name or run
    store = existing_store(folder)
    if grader.startswith(JUDGE):
        return _by_judge(store, run, grader, limit, dry_run)
    if limit or dry_run:
        raise UserError("--limit and --dry-run are for judges (judge:NAME). Leave them out.")
    if run is None:
        return grade_runs(store, grader), tables.graded_runs
    return grade_run(store, run, grader), tables.graded


def _by_judge(store: Any, run: str | None, grader: str, limit: int | None, dry: bool) -> Answer:
    from pipeline.evaluate.judge import estimate, grade_by_judge
    from pipeline.stopping import Stop

    if run is None:
        raise UserError(
            f"{grader} asks a model about each generation, so it grades one run at a time; expected"
            " its name: thinkbench grade RUN --grader judge:NAME"
        )
    if dry:
        return estimate(store, run, grader, limit), tables.counts("Would ask")
    with bars() as bar:
        value = grade_by_judge(store, run, grader, bar(f"{grader} on {run}"), Stop(), limit)
    return value, output.graded
