"""`grade`: grade stored generations with another grader."""

from pathlib import Path

import click

from workbench.cli import Answer, grader_option, verb
from workbench.cli.output import tables


@verb
@click.option("--run", "run", help="an evaluation or import; by default all")
@grader_option
def grade(folder: Path, run: str | None, grader: str) -> Answer:
    """Grade stored generations with another grader, without a model."""
    from evals.comparison import grade_run, grade_runs
    from workbench.lookup import existing_store

    store = existing_store(folder)
    if run is None:
        return grade_runs(store, grader), tables.graded_runs
    return grade_run(store, run, grader), tables.graded
