"""The verb that looks for problems among what was trained on."""

from pathlib import Path
from typing import Any

import click

from workbench.cli import Answer, not_empty, verb
from workbench.cli.commands.generations import GRADERS
from workbench.cli.output import tables
from workbench.formatting import change, interval

KINDS = {
    "exact": "exact: the same words",
    "ngram": "ngram: 13 words in a row in common",
    "masked": "masked: the same, or nearly, but for numbers",
    "any": "any of these",
}
GROUPS = ("all", "clean", "overlapping")


@verb
@click.option(
    "--train",
    "sources",
    multiple=True,
    metavar="SOURCE",
    help="by default all there are",
)
@click.option(
    "--problems", callback=not_empty, metavar="SOURCE", help="of the problems; by default all"
)
@click.option("--split", type=click.Choice(("test", "train")), default="test", show_default=True)
@click.option(
    "--run", "runs", multiple=True, help="whose scores; by default all evaluations and imports"
)
@click.option("--grader", type=click.Choice(GRADERS), default="strict", show_default=True)
def overlap(
    folder: Path,
    sources: tuple[str, ...],
    problems: str | None,
    split: str,
    runs: tuple[str, ...],
    grader: str,
) -> Answer:
    """Find problems that were trained on, and score runs without them.

    Looked at are prompts of examples and questions of train problems. Each hit is written to a
    file of the store, with what it has in common with which record.
    """
    from evals import contamination
    from workbench.lookup import existing_store, finished_evaluations

    store = existing_store(folder)
    run_ids = list(runs) or contamination.graded_runs(
        store, finished_evaluations(store)["run"].to_list(), grader
    )
    value = contamination.overlap(
        store, run_ids, train=sources, problems=problems, split=split, grader=grader
    )
    return value, _show


def _show(value: dict[str, Any]) -> None:
    tables.show(
        tables.table(
            f"{value['problems']:,} {value['split']} problems, {value['trained_on']:,} texts"
            f" trained on ({', '.join(value['train'])}), 95 % intervals",
            ["problems that overlap", "count", "share"],
            [
                [meaning, f"{value[kind]['count']:,}", interval(value[kind])]
                for kind, meaning in KINDS.items()
            ],
        ),
        *_remarks(value),
        *([_scores(value)] if value["scores"] else []),
        f"Each hit: {value['hits']}",
    )


def _remarks(value: dict[str, Any]) -> list[str]:
    remarks = []
    if value["left_out"]:
        remarks.append(
            f"{value['left_out']:,} examples were left out: their records are {value['split']}"
            " problems themselves. SFT on their source would train on them."
        )
    if value["unsure"]:
        remarks.append(
            f"Of {value['unsure']:,} problems a masked overlap may be missed: what it would share"
            " is in more than 1,000 texts."
        )
    if not value["scores"]:
        remarks.append(
            f"No evaluation or import has scores by {value['grader']}; thinkbench grade gives them."
        )
    return remarks


def _scores(value: dict[str, Any]) -> Any:
    rows = [(one["run"], one["stage"], one["answer"]) for one in value["scores"]]
    return tables.table(
        f"Answers right by {value['grader']} (95 % intervals; * fewer than 30 problems)",
        ["run", "stage", "all problems", "clean", "overlapping", "overlapping - clean"],
        [
            [run, stage, *(_group(answer[name]) for name in GROUPS), change(answer["difference"])]
            for run, stage, answer in rows
        ],
    )


def _group(group: dict[str, Any]) -> str:
    return f"{interval(group)} n={group['n']:,}{'*' if group['small'] else ''}"
