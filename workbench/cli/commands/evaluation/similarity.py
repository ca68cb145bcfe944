"""`search`, `more-like` and `clusters`: generations by the meaning of their texts."""

from pathlib import Path

import click

from workbench.cli import (
    Answer,
    bars,
    fitting_grader_option,
    limit_option,
    not_empty,
    verb,
)
from workbench.cli.output.grading import scores as output

FIELDS = ("question", "reasoning", "answer")  # as in evals/similarity/vectors.py

field_option = click.option(
    "--in", "field", type=click.Choice(FIELDS), default="reasoning", show_default=True,
    help="the text that is compared",
)  # fmt: skip


@verb
@click.argument("words", callback=not_empty)
@click.option("--run", callback=not_empty, help="search one run; by default all")
@field_option
@limit_option
def search(folder: Path, words: str, run: str | None, field: str, limit: int) -> Answer:
    """Find generations by meaning: those whose text is nearest to WORDS.

    Vectors of texts are computed once, without any network, and kept in the store.
    """
    from evals.similarity import search as nearest_to
    from workbench.lookup import existing_store

    with bars() as bar:
        return nearest_to(existing_store(folder), words, run, field, limit, bar), output.nearest


@verb
@click.argument("generation", callback=not_empty)
@click.option(
    "--run", callback=not_empty, help="the run to search; by default the generation's own"
)
@field_option
@limit_option
def more_like(folder: Path, generation: str, run: str | None, field: str, limit: int) -> Answer:
    """Find the generations that are most similar to GENERATION, an id or its beginning."""
    from evals.similarity import more_like as similar_to
    from workbench.lookup import existing_store

    with bars() as bar:
        return similar_to(
            existing_store(folder), generation, run, field, limit, bar
        ), output.nearest


@verb
@click.argument("run", callback=not_empty)
@field_option
@click.option("--incorrect", is_flag=True, help="only answers that the grader calls incorrect")
@click.option("--against", callback=not_empty, metavar="RUN2", help="cluster both runs together")
@click.option("--clusters", "number", type=click.IntRange(1, 1_000),
              help="how many; by default as many texts warrant, at most 50")  # fmt: skip
@fitting_grader_option
def clusters(
    folder: Path,
    run: str,
    field: str,
    incorrect: bool,
    against: str | None,
    number: int | None,
    grader: str | None,
) -> Answer:
    """Group the generations of RUN by meaning, each group with a name and its middle text.

    Exploratory: groups are by topic and wording, and no proof of a common mistake.
    """
    from evals.similarity import clusters_of
    from workbench.lookup import existing_store

    with bars() as bar:
        value = clusters_of(
            existing_store(folder), run, field, bar,
            grader=grader, incorrect=incorrect, against=against, number=number,
        )  # fmt: skip
    return value, output.clusters
