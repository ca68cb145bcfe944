"""`subset`: choose rows to train on, and save the choice as a named version."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from workbench.cli import (
    Answer,
    author_option,
    frozen_store,
    grader_option,
    not_empty,
    verb,
    verb_group,
)
from workbench.cli.commands.data import subset_export
from workbench.cli.output import subsets as output, tables

KINDS = ("records", "problems")
DUPLICATES = ("keep", "exact", "near")
COMPARED = ("example", "prompt")
PICKS = ("shortest", "best")

group = verb_group("subset", "Choose rows to train on, and save the choice as a named version.")


def recipe_options(command: Callable[..., Answer]) -> Callable[..., Answer]:
    """The options that make a recipe; see data/subsets/recipe.py."""
    for option in (
        click.option("--tokenizer", default="", help="whose token counts `tokens` means"),
        grader_option,
        click.option("--run", default="", help="the run that `pass_rate` is of"),
        click.option(
            "--seed",
            type=click.IntRange(0, 2**32 - 1),
            default=0,
            show_default=True,
            help="of random sampling",
        ),
        click.option(
            "--tokens", type=click.IntRange(0), default=0, help="sample up to this token budget"
        ),
        click.option("--sample", type=click.IntRange(0), default=0, help="sample so many rows"),
        click.option(
            "--by",
            type=click.Choice(COMPARED),
            default="example",
            show_default=True,
            help="what duplicates are compared by",
        ),
        click.option(
            "--duplicates",
            type=click.Choice(DUPLICATES),
            default="keep",
            show_default=True,
            help="which duplicates to remove",
        ),
        click.option("--parent", default="", metavar="NAME[@V]", help="only rows of this subset"),
        click.option("--source", "sources", multiple=True, help="by default all"),
        click.option("--of", type=click.Choice(KINDS), default="records", show_default=True),
        click.option("--where", default="", metavar="FILTER", help="see `subset fields`"),
    ):
        command = option(command)
    return command


@click.argument("name", callback=not_empty)
@click.option("--dry-run", is_flag=True, help="save nothing; report what each step would remove")
@author_option
@recipe_options
def new(folder: Path, name: str, dry_run: bool, author: str, **recipe: Any) -> Answer:
    """Choose rows, and save them as the next version of NAME.

    Steps, in this order: source, parent, filter, duplicates, token budget, sample. Rows that cannot
    be trained on are removed first. The rows that each step removes are counted.
    """
    from data.store import unfrozen
    from data.subsets import Recipe, to_json
    from evals.curation import choose

    store = frozen_store(folder)
    chosen = choose.resolve(store, Recipe(**recipe))
    choice = choose.choice(store, chosen)
    if dry_run:
        value = {"subset": None, "n": len(choice.ids), "filter": to_json(chosen)}
        if not choice.ids:
            value["advice"] = choose.advice(store, chosen)
    else:
        version, _ = choose.save(unfrozen(store), name, chosen, author, choice)
        value = version.to_json()
    steps = [vars(step) for step in choice.steps]
    value |= {"run": chosen.run or None, "converters": dict(chosen.converters)}
    return {**value, "tokens": choice.tokens, "steps": steps}, output.new_subset


def list_(folder: Path) -> Answer:
    """List subsets with all their versions, the newest first."""
    from data.subsets import subsets

    versions = [one.to_json() for one in subsets(frozen_store(folder))]
    return {"subsets": versions}, output.list_of_subsets


@click.argument("name")
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True)
def show(folder: Path, name: str, limit: int) -> Answer:
    """Show a version, NAME or NAME@VERSION, and its first rows."""
    from data.subsets import subset
    from evals.curation import choose

    store = frozen_store(folder)
    version = subset(store, name)
    rows = choose.page(store, version.recipe, list(version.ids), 1, limit)
    return {**version.to_json(), "rows": rows.to_dicts()}, output.one_subset


@click.argument("first")
@click.argument("second")
def diff(folder: Path, first: str, second: str) -> Answer:
    """List the rows that only one of two versions has."""
    from data.subsets import difference, subset

    store = frozen_store(folder)
    return difference(subset(store, first), subset(store, second)), output.difference


@click.argument("name")
def check(folder: Path, name: str) -> Answer:
    """Run the recipe of a version again: which rows it would choose now."""
    from data.subsets import subset
    from evals.curation import choose

    store = frozen_store(folder)
    return choose.check(store, subset(store, name)), output.check


@click.argument("name", callback=not_empty)
@click.option("--run", "runs", multiple=True, required=True, help="whose answers; repeatable")
@click.option("--pick", type=click.Choice(PICKS), default="shortest", show_default=True)
@click.option(
    "--per-problem",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="most answers of each problem",
)
def own(folder: Path, name: str, runs: tuple[str, ...], pick: str, per_problem: int) -> Answer:
    """Rejection sampling: make records of a model's own correct answers.

    The correct answers to train problems become the source NAME. They are converted and audited
    like other records; `subset new --source NAME` chooses among them.
    """
    from evals.curation import add_rejection_sample
    from workbench.cli import bars
    from workbench.lookup import existing_store

    with bars() as bar:
        value = add_rejection_sample(
            existing_store(folder), name, runs, pick, per_problem, bar("read answers")
        )
    return value, tables.counts(f"Own answers of {', '.join(runs)}")


@click.option("--of", type=click.Choice(KINDS), default="records", show_default=True)
def fields(folder: Path, of: str) -> Answer:
    """List the fields that a filter may use, of records or of problems."""
    if of == "records":
        from data.subsets import FIELDS
    else:
        from evals.curation import FIELDS
    rows = [{"field": n, "holds": one.kind, "means": one.means} for n, one in FIELDS.items()]
    return {"of": of, "fields": rows}, output.fields


for command in (new, own, list_, show, diff, check, subset_export.export, fields):
    group.add_command(verb(command))
