"""`import`: read generations that another tool made."""

from pathlib import Path

import click

from workbench.cli import Answer, FilePath, verb
from workbench.cli.output import tables


@verb
@click.argument("file", type=FilePath())
@click.option("--name", required=True, help="of the run that the generations become")
def import_(folder: Path, file: Path, name: str) -> Answer:
    """Import generations that another tool made.

    FILE has one JSON object a line: problem_id, question, gold (the reference answer) and text;
    optional are stage, sample, label, finish (stop or length), tokens, and run for rows of several
    runs, whose stage is then RUN.STAGE. Or FILE holds samples of lm-evaluation-harness
    (lm_eval --log_samples), or is a log of Inspect AI (.eval or .json).
    """
    from data.store import open_store
    from evals.imports.import_file import import_file

    return import_file(open_store(folder), file, name), tables.counts(f"Imported {file.name}")
