"""Verbs about generations that are there already."""

from pathlib import Path

import click

from workbench import printed
from workbench.verbs import Answer, verb

GRADERS = ("strict", "lenient", "notebook", "math")  # evals/graders.py


@verb
@click.option("--run", "run", required=True, help="an evaluation or import")
@click.option("--grader", type=click.Choice(GRADERS), default="strict", show_default=True)
def grade(folder: Path, run: str, grader: str) -> Answer:
    """Grade the generations of a run by another rule, without a model."""
    from evals.report import grade_run
    from workbench.stores import existing_store

    return grade_run(existing_store(folder), run, grader), printed.graded


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
    from evals.imports import import_file

    return import_file(open_store(folder), file, name), printed.counts(f"Imported {file.name}")
