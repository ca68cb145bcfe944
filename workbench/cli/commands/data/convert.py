"""`convert`: turn rows into training examples, or quarantine them with a reason."""

from pathlib import Path

import click

from data.errors import UserError
from workbench.cli import SHAPES, Answer, FilePath, column_option, verb
from workbench.cli.commands.data.ingest import column_paths
from workbench.cli.output import tables


@verb
@click.argument("source", metavar="SOURCE|FILE")
@click.option("--shape", type=click.Choice(SHAPES), help="of the rows of FILE")
@click.option("--rule", "rules", multiple=True, help="a repair rule by name; by default none")
@click.option(
    "--dialects",
    "dialects_file",
    type=FilePath(),
    help="a .toml file with your dialects of reasoning tags",
)
@column_option
def convert(
    folder: Path,
    source: str,
    shape: str | None,
    rules: tuple[str, ...],
    dialects_file: Path | None,
    columns: tuple[str, ...],
) -> Answer:
    """Convert rows of SOURCE, or of a FILE with --shape, to training examples.

    SOURCE must be ingested before. Every row is counted as converted or quarantined, as are lines
    that are no rows.
    """
    from data.conversion.convert_source import convert_source
    from data.conversion.dialects import read_dialects
    from data.conversion.rows.convert_file import convert_file
    from workbench.cli import bars
    from workbench.lookup import existing_store

    dialects = read_dialects(dialects_file)
    _check_source(source, shape)
    paths = column_paths(columns, shape)
    with bars() as bar:
        progress = bar(f"convert {source}")
        if shape is not None:
            value = convert_file(
                Path(source), shape, frozenset(rules), progress, paths, table=dialects
            )
        else:
            store = existing_store(folder)
            value = convert_source(
                store, source, frozenset(rules), progress, table=dialects, make_newest=True
            )
    notes = [] if shape else _of_presets(source, rules)
    return value, tables.counts(f"Converted {source}", *notes)


def _of_presets(source: str, rules: tuple[str, ...]) -> list[str]:
    """A note where presets convert by other rules: what was converted last is what others read.

    It is no default: own data may have answers without a box, which the rule of presets refuses.
    """
    from pipeline.config import DataConfig

    usual = DataConfig().rules
    if set(rules) == set(usual):
        return []
    options = " ".join(f"--rule {rule}" for rule in usual)
    return [
        f"Presets convert with {', '.join(usual)}, and training by one does so again. New subsets,"
        " the audit and the app read the newest conversion; for that of the presets:"
        f" thinkbench convert {source} {options}"
    ]


def _check_source(source: str, shape: str | None) -> None:
    """Refuse a path without a shape: it is no source."""
    from data.sources import looks_like_a_path

    path = Path(source)
    # a folder may have the name of a source
    if shape is None and path.exists() and (source != path.name or not path.is_dir()):
        raise UserError(
            f"{source} is a path; expected the name of a source. To convert its rows, name their"
            f" shape: add --shape {'|'.join(SHAPES)}"
        )
    if shape is None and not path.exists() and looks_like_a_path(source):
        raise UserError(f"{source} does not exist. Check the path; a file needs --shape too.")
