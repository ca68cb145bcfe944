"""`report`: the results of runs as one HTML file, or as a folder for a web server."""

from pathlib import Path
from typing import Any

import click

from workbench.cli import Answer, FilePath, fitting_grader_option, frozen_store, verb
from workbench.cli.output import tables

# as in workbench/report/page.py, which is not loaded for --help
SECTIONS = ("summary", "data", "results", "transitions", "failures", "training", "reproduce")


@verb
@click.argument("out", type=FilePath())
@click.option("--run", "runs", multiple=True, help="an evaluation or import; repeatable, in order")
@fitting_grader_option
@click.option("--title", default="", help="by default what the report is about")
@click.option(
    "--only",
    "sections",
    multiple=True,
    type=click.Choice(SECTIONS),
    help="only these sections, as a fragment for a notebook; repeatable",
)
@click.option("--overwrite", is_flag=True, help="replace OUT")
def report(
    folder: Path,
    out: Path,
    runs: tuple[str, ...],
    grader: str | None,
    title: str,
    sections: tuple[str, ...],
    overwrite: bool,
) -> Answer:
    """Write what was trained, on what, and what it changed: OUT.html, or a folder for Pages.

    By default of the newest model and the stages before it. The page loads nothing from elsewhere.
    """
    from workbench.report import contents, write_report

    store = frozen_store(folder)
    shown = contents.contents(store, runs, grader, title)
    paths = write_report(out, shown, sections or SECTIONS, overwrite=overwrite)
    value: dict[str, Any] = {
        "path": str(out),
        "runs": [run["run"] for run in shown["evaluations"]],
        "grader": shown["grader"],
        "bytes": sum(path.stat().st_size for path in paths),
    }
    return value, tables.counts("Report")
