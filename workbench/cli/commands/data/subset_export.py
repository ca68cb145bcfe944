"""`subset export`: the rows of a version in a file, in the format that a trainer reads."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from workbench.cli import Answer, FilePath, frozen_store
from workbench.cli.output import subsets as output

# as in evals/curation/training_formats.py, which is not loaded for --help
OF_ANSWERS = ("preference", "kto")
FORMATS = (
    *("messages", "prompt-completion", "preference", "kto", "sharegpt", "alpaca", "verl"),
    *("jsonl", "parquet"),
)
PROMPTS = ("ours", "think", "plain")
PAGE = 2_000  # rows that are read at once


@click.argument("name")
@click.option("--out", type=FilePath(), required=True, help="new .jsonl or .parquet file")
@click.option(
    "--as",
    "row_format",
    type=click.Choice(FORMATS),
    default="jsonl",
    show_default=True,
    help="jsonl and parquet: the columns of the subset; verl wants a .parquet file",
)
@click.option(
    "--prompt-format",
    type=click.Choice(PROMPTS),
    default="ours",
    show_default=True,
    help="ours: instruction and tags; think: <think>; plain: the texts alone",
)
@click.option("--run", "runs", multiple=True, help="whose answers, for preference and kto")
@click.option(
    "--per-problem",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="most pairs, or answers of either kind, of a problem",
)
@click.option(
    "--margin",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="least difference of format, answer and partial between the two of a pair, in the mean",
)
def export(
    folder: Path,
    name: str,
    out: Path,
    row_format: str,
    prompt_format: str,
    runs: tuple[str, ...],
    per_problem: int,
    margin: float,
) -> Answer:
    """Write the rows of a version to a file, with their texts.

    Rows that training leaves out by now are left out and counted: those that a person quarantined,
    rows of a test split, and rows without an example.
    """
    from data.subsets import subset
    from evals.curation import check_format, preferences, training_formats
    from workbench.cli import rows_file

    store = frozen_store(folder)
    version, rows = subset(store, name), 0
    check_format(row_format, version.of)
    reasons: Counter[str] = Counter()
    if row_format in OF_ANSWERS:
        preferences.require_runs(runs, row_format)
        formatted_rows = _of_answers(
            store, version, row_format, runs, (per_problem, margin), reasons
        )
    else:
        formatted_rows = (
            training_formats.formatted(row, row_format, prompt_format)
            for row in _rows(store, version, reasons)
        )
    with rows_file(out, parquet=row_format == "parquet") as write:
        for row in formatted_rows:
            write(row)
            rows += 1
    value = {**version.to_json(), "rows": rows, "left_out": dict(reasons), "path": str(out)}
    return value | {"as": row_format}, output.export


def _rows(store: Any, version: Any, reasons: Counter[str]) -> Iterator[dict[str, Any]]:
    """The rows that training would read now; `reasons` counts the others."""
    from evals.curation import choose

    for present in _present(store, version, reasons):
        page = choose.page(store, version.recipe, present, 1, PAGE)
        yield from page.iter_rows(named=True)


def _present(store: Any, version: Any, reasons: Counter[str]) -> Iterator[list[str]]:
    from evals.curation import choose

    for start in range(0, len(version.ids), PAGE):
        ids = sorted(version.ids)[start : start + PAGE]
        absent = choose.left_out(store, version, ids)
        reasons.update(absent.values())
        yield [one for one in ids if one not in absent]


def _of_answers(
    store: Any,
    version: Any,
    row_format: str,
    runs: tuple[str, ...],
    limits: tuple[int, float],
    reasons: Counter[str],
) -> Iterator[dict[str, Any]]:
    """Pairs or single answers to the problems of the version. limits: per problem, least margin"""
    from evals.curation import preferences

    ids = [one for page in _present(store, version, reasons) for one in page]
    answers = preferences.sampled(store, runs, ids)
    if row_format == "preference":
        yield from preferences.preference_rows(answers, *limits)
    else:
        yield from preferences.kto_rows(answers, limits[0])
    reasons.update({reason: n for reason, n in answers.left_out.items() if n})
