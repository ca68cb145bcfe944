"""`overlap`: test problems that were trained on (contamination)."""

from pathlib import Path

import click

from workbench.cli import Answer, fitting_grader_option, frozen_store, not_empty, verb


@verb
@click.option(
    "--train", "sources", multiple=True, metavar="SOURCE", help="trained on; by default all"
)
@click.option(
    "--problems", callback=not_empty, metavar="SOURCE", help="of the problems; by default all"
)
@click.option(
    "--split",
    type=click.Choice(("test", "train")),
    default="test",
    show_default=True,
    help="of the problems",
)
@click.option(
    "--run", "runs", multiple=True, help="to score; by default all evaluations and imports"
)
@fitting_grader_option
def overlap(
    folder: Path,
    sources: tuple[str, ...],
    problems: str | None,
    split: str,
    runs: tuple[str, ...],
    grader: str | None,
) -> Answer:
    """Find problems that were trained on, and score runs without them.

    Problems are compared with the prompts of training examples and the questions of train problems.
    Each hit is written to a file of the store: the record, and what both have in common.
    """
    from evals import contamination
    from evals.scores import default_grader
    from workbench.cli.output import overlap as output
    from workbench.lookup import finished_evaluations

    store = frozen_store(folder)
    finished = finished_evaluations(store)["run"].to_list()
    grader = grader or default_grader(store, runs or finished)
    run_ids = list(runs) or contamination.graded_runs(store, finished, grader)
    value = contamination.overlap(
        store, run_ids, train=sources, problems=problems, split=split, grader=grader
    )
    return value, output.show_overlap
