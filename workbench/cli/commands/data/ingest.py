"""`ingest`: read rows into the store."""

from pathlib import Path

import click

from data.errors import UserError
from workbench.cli import SHAPES, Answer, FilePath, column_option, verb
from workbench.cli.output import tables


@verb
@click.argument("source")
@click.option("--from", "path", type=FilePath(), help="file or folder; by default the hub")
@click.option("--shape", type=click.Choice(SHAPES), help="of your own rows")
@click.option(
    "--split",
    type=click.Choice(("train", "validation", "test")),
    help="of all rows; by default as rows, files and folders say",
)
@column_option
def ingest(
    folder: Path,
    source: str,
    path: Path | None,
    shape: str | None,
    split: str | None,
    columns: tuple[str, ...],
) -> Answer:
    """Read rows of SOURCE into the store. Reading them twice adds nothing.

    SOURCE is stratos, gsm8k, samples-stratos or samples-gsm8k; or a name for your own rows, with
    --from and --shape. Rows of a file or folder named after a split (test, eval, validation, dev)
    are of that split, and only train rows are trained on.
    """
    from data.sources import check_source
    from data.sources.ingest import ingest as ingest_source
    from data.store import open_store

    check_source(source, path, shape)  # before the store is created: a typo creates none
    paths = column_paths(columns, shape)
    counts = ingest_source(open_store(folder), source, path, shape, paths, split)
    return counts, tables.counts(f"Ingested {source}")


def column_paths(columns: tuple[str, ...], shape: str | None) -> dict[str, str]:
    """The paths of --column NAME=PATH by the shape's names."""
    from data.sources import parse_columns

    if columns and shape is None:
        raise UserError(f"--column names columns of a shape; add --shape {'|'.join(SHAPES)}")
    return parse_columns(columns, shape) if shape else {}
