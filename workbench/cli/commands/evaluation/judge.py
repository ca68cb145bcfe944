"""`judge`: rubrics, how good a judge is, a blind sample to label, comparison in pairs."""

from pathlib import Path
from typing import Any

import click

from workbench.cli import Answer, FilePath, author_option, verb, verb_group
from workbench.cli.output.grading import judge as output

group = verb_group("judge", "Graders that ask a model by a rubric, and how good they are.")


@verb
@click.argument("file", type=FilePath(exists=True, dir_okay=False))
@author_option
def add(folder: Path, file: Path, author: str) -> Answer:
    """Add the rubric in FILE, or another version of it.

    Verdicts by the earlier version stay.
    """
    from data.errors import UserError
    from data.store import open_store
    from evals.judge import add_rubric

    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is no text in UTF-8: {error}. Save it as UTF-8.") from error
    rubric, is_new = add_rubric(open_store(folder), text, author)
    value = {"grader": rubric.grader, "version": rubric.version, "new_version": is_new}
    return value, output.added


@verb
def list_(folder: Path) -> Answer:
    """List the judges of the store."""
    from evals.judge import judges
    from workbench.lookup import existing_store

    return {"judges": judges(existing_store(folder))}, output.listed


@verb
@click.argument("name")
def show(folder: Path, name: str) -> Answer:
    """Show the rubric of a judge and its versions."""
    from evals.judge import PREFIX, rubric_of, versions_of
    from workbench.lookup import existing_store

    store = existing_store(folder)
    rubric = rubric_of(store, name)
    versions: list[dict[str, Any]] = versions_of(store, rubric.name)
    value = {
        "grader": f"{PREFIX}{rubric.name}",
        "version": rubric.version,
        "rubric": versions[0]["text"],
        "versions": [{**row, "at": row["at"].isoformat(timespec="seconds")} for row in versions],
    }
    return value, output.shown


@verb
@click.argument("name")
@click.option("--run", "run", help="only its generations; by default those of all runs")
def agreement(folder: Path, name: str, run: str | None) -> Answer:
    """How well a judge agrees with people and with imported labels.

    NAME is a judge, or another grader. Labels are overrides, blind labels and the labels of
    imports.
    """
    from evals.judge import grader_named, quality_of
    from workbench.lookup import existing_store

    return quality_of(existing_store(folder), grader_named(name), run), output.agreement


@verb
@click.argument("name")
@click.option("--run", "run", help="only its generations; by default those of all runs")
@click.option("--n", default=50, show_default=True, type=click.IntRange(1), help="sample size")
@click.option(
    "--labels",
    type=FilePath(exists=True, dir_okay=False),
    help="JSONL file of generation_id and verdict (right, wrong, unsure) to store, asking nothing",
)
@author_option
def label(
    folder: Path, name: str, run: str | None, n: int, labels: Path | None, author: str
) -> Answer:
    """Label a blind sample, chosen where graders disagree.

    Shows no verdict. Keys: r right, w wrong, u unsure, b back, q quit; the same command goes on
    with the rest. With --json, or where nobody types, the rows of the sample are printed.
    """
    from evals.judge import grader_named, label as store_labels, sample_to_label
    from workbench.cli.commands.evaluation.labelling import ask_for_labels, read_labels
    from workbench.lookup import existing_store

    store, grader = existing_store(folder), grader_named(name)
    sample = sample_to_label(store, grader, author, run, n)
    if labels is not None:
        store_labels(store, sample, read_labels(labels))
    elif not click.get_current_context().params.get("as_json"):
        ask_for_labels(sample, lambda verdicts: store_labels(store, sample, verdicts))
    return sample_to_label(store, grader, author, run, n), output.labelled


@verb
@click.argument("name")
@click.argument("run_a", metavar="A")
@click.argument("run_b", metavar="B")
@click.option("--limit", type=click.IntRange(1), help="pairs at most, a random choice")
def pairs(folder: Path, name: str, run_a: str, run_b: str, limit: int | None) -> Answer:
    """Ask a judge which of two runs answers better, each pair in both orders.

    A and B are runs, or RUN/STAGE. A completion wins only where the judge prefers it in both
    orders; else it is a tie.
    """
    from evals.judge import PREFIX
    from pipeline.evaluate.judge import compare_by_judge
    from pipeline.stopping import Stop
    from workbench.cli import bars
    from workbench.lookup import existing_store

    grader = f"{PREFIX}{name.removeprefix(PREFIX)}"
    with bars() as bar:
        progress = bar(f"{grader} on pairs")
        store, names = existing_store(folder), (run_a, run_b)
        value = compare_by_judge(store, names, grader, progress, Stop(), limit)
    return value, output.compared_pairs


for command in (add, list_, show, agreement, label, pairs):
    group.add_command(command)
