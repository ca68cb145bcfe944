"""Verbs of curation: choose rows, keep the choice as a named version, look at it again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from workbench.cli import Answer, not_empty, verb, verbs
from workbench.cli.output import subsets as printed_subsets, tables
from workbench.lookup import user_name

KINDS = ("records", "problems")
DUPLICATES = ("keep", "exact", "near")
BY = ("example", "prompt")
PICKS = ("shortest", "best")
AT_A_TIME = 2_000  # rows of a file
GRADERS = ("strict", "lenient", "notebook", "math")


def subset() -> None:
    """Choose rows to train on, and keep the choice as a named version."""


GROUP = verbs(subset)


def choosing(command: Callable[..., Answer]) -> Callable[..., Answer]:
    """The options that make a recipe: data/subsets/recipe.py says what each means."""
    for option in (
        click.option("--tokenizer", default="", help="whose counts `tokens` are"),
        click.option("--grader", type=click.Choice(GRADERS), default="strict", show_default=True),
        click.option("--run", default="", help="whose verdicts pass_rate is of"),
        click.option("--seed", type=int, default=0, show_default=True, help="of the drawing"),
        click.option(
            "--tokens", type=click.IntRange(0), default=0, help="draw to this budget of tokens"
        ),
        click.option("--sample", type=click.IntRange(0), default=0, help="draw so many"),
        click.option(
            "--by", type=click.Choice(BY), default="example", help="what duplicates are of"
        ),
        click.option(
            "--duplicates", type=click.Choice(DUPLICATES), default="keep", show_default=True
        ),
        click.option("--parent", default="", metavar="NAME[@V]", help="only what this one holds"),
        click.option("--source", "sources", multiple=True, help="by default all"),
        click.option("--of", type=click.Choice(KINDS), default="records", show_default=True),
        click.option("--where", default="", metavar="FILTER", help="see `subset fields`"),
    ):
        command = option(command)
    return command


@click.argument("name", callback=not_empty)
@click.option("--dry-run", is_flag=True, help="only say what each step would take away")
@click.option("--author", default=user_name, help="by default who is logged in")
@choosing
def new(folder: Path, name: str, dry_run: bool, author: str, **recipe: Any) -> Answer:
    """Choose rows, and keep them as the next version of NAME.

    Steps, in this order: source, parent, filter, duplicates, budget of tokens, sample. What cannot
    be trained on is taken away first, and all that is taken away is counted.
    """
    from data.subsets import Recipe, to_json
    from evals.subsets import choose
    from workbench.lookup import existing_store

    store = existing_store(folder)
    asked = Recipe(**recipe)
    if dry_run:
        asked = choose.resolved(store, asked)
        found = choose.choice(store, asked)
        value = {"subset": None, "n": len(found.ids), "filter": to_json(asked)}
    else:
        kept, found = choose.save(store, name, asked, author)
        value = kept.to_json()
    steps = [vars(step) for step in found.steps]
    return {**value, "tokens": found.tokens, "steps": steps}, printed_subsets.made


def list_(folder: Path) -> Answer:
    """List subsets with all their versions, the newest first."""
    from data.subsets import subsets
    from workbench.lookup import existing_store

    found = [one.to_json() for one in subsets(existing_store(folder))]
    return {"subsets": found}, printed_subsets.listed


@click.argument("name")
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True)
def show(folder: Path, name: str, limit: int) -> Answer:
    """Show a version, NAME or NAME@VERSION, and its first rows."""
    from data.subsets import subset
    from evals.subsets import choose
    from workbench.lookup import existing_store

    store = existing_store(folder)
    one = subset(store, name)
    rows = choose.page(store, one.recipe, list(one.ids), 1, limit)
    return {**one.to_json(), "rows": rows.to_dicts()}, printed_subsets.shown


@click.argument("first")
@click.argument("second")
def diff(folder: Path, first: str, second: str) -> Answer:
    """Say which rows only one of two versions holds."""
    from data.subsets import difference, subset
    from workbench.lookup import existing_store

    store = existing_store(folder)
    return difference(subset(store, first), subset(store, second)), printed_subsets.difference


@click.argument("name")
def check(folder: Path, name: str) -> Answer:
    """Run the recipe of a version again: which rows it would choose now."""
    from data.subsets import subset
    from evals.subsets import choose
    from workbench.lookup import existing_store

    store = existing_store(folder)
    return choose.check(store, subset(store, name)), printed_subsets.checked


@click.argument("name")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="new .jsonl file")
def export(folder: Path, name: str, out: Path) -> Answer:
    """Write the rows of a version to a file, with their texts."""
    from data.subsets import subset
    from evals.subsets import choose
    from workbench.cli import json_lines
    from workbench.lookup import existing_store

    store = existing_store(folder)
    one, rows = subset(store, name), 0
    with json_lines(out) as write:
        for number in range(1, 1 + -(-len(one.ids) // AT_A_TIME)):
            page = choose.page(store, one.recipe, list(one.ids), number, AT_A_TIME)
            rows += page.height
            for row in page.iter_rows(named=True):
                write(row)
    return {**one.to_json(), "rows": rows, "path": str(out)}, printed_subsets.exported


@click.argument("name", callback=not_empty)
@click.option("--run", "runs", multiple=True, required=True, help="whose answers; repeatable")
@click.option("--pick", type=click.Choice(PICKS), default="shortest", show_default=True)
@click.option("--per-problem", type=click.IntRange(1), default=1, show_default=True)
def own(folder: Path, name: str, runs: tuple[str, ...], pick: str, per_problem: int) -> Answer:
    """Make records of a model's own right answers to train problems, as the source NAME.

    They are converted and audited like any others; `subset new --source NAME` chooses among them.
    """
    from evals.subsets import add_own
    from workbench.cli import bars
    from workbench.lookup import existing_store

    with bars() as bar:
        value = add_own(existing_store(folder), name, runs, pick, per_problem, bar("read answers"))
    return value, tables.counts(f"Own answers of {', '.join(runs)}")


@click.option("--of", type=click.Choice(KINDS), default="records", show_default=True)
def fields(folder: Path, of: str) -> Answer:
    """List what a filter may ask of records, or of problems."""
    if of == "records":
        from data.subsets import FIELDS
    else:
        from evals.subsets import FIELDS
    found = [{"field": n, "holds": one.kind, "means": one.means} for n, one in FIELDS.items()]
    return {"of": of, "fields": found}, printed_subsets.fields


for command in (new, own, list_, show, diff, check, export, fields):
    verb(command, of=GROUP)
