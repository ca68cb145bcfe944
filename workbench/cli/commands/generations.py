"""Verbs about generations that are there already."""

from pathlib import Path

import click

from workbench.cli import Answer, verb
from workbench.cli.output import tables

GRADERS = ("strict", "lenient", "notebook", "math")  # evals/graders/rules.py


@verb
@click.option("--run", "run", help="an evaluation or import; by default all")
@click.option("--grader", type=click.Choice(GRADERS), default="strict", show_default=True)
def grade(folder: Path, run: str | None, grader: str) -> Answer:
    """Grade stored generations by another rule, without a model."""
    from evals.comparison import grade_run, grade_runs
    from workbench.lookup import existing_store

    store = existing_store(folder)
    if run is None:
        return grade_runs(store, grader), tables.graded_runs
    return grade_run(store, run, grader), tables.graded


@verb
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="of the run that the generations become")
def import_(folder: Path, file: Path, name: str) -> Answer:
    """Read generations made elsewhere.

    FILE has one JSON object a line: problem_id, question, gold and text; a stage, a sample, a
    label, a finish (stop or length) and a count of tokens may follow, and a run, for rows of
    several: their stage is then RUN.STAGE. Or FILE holds samples of lm-evaluation-harness
    (lm_eval --log_samples), or is a log of Inspect AI (.eval or .json).
    """
    from data.store import open_store
    from evals.imports.import_file import import_file

    return import_file(open_store(folder), file, name), tables.counts(f"Imported {file.name}")
