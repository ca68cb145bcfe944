"""Verbs that read rows and say what became of them."""

from collections.abc import Callable
from pathlib import Path

import click

from data.errors import UserError
from workbench.cli import Answer, not_empty, verb
from workbench.cli.output import tables
from workbench.lookup import user_name

SHAPES = (
    "stratos",
    "gsm8k",
    "messages",
    "completion",
)  # data/sources/row_shapes.py, not loaded for --help


named_columns = click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="NAME=PLACE",
    help="where rows hold what the shape calls NAME: completion=code[0]",
)


def _places(columns: tuple[str, ...], shape: str | None) -> dict[str, str]:
    from data.sources import column_mapping as named

    if columns and shape is None:
        raise UserError(f"--column names columns of a shape; add --shape {'|'.join(SHAPES)}")
    return named.columns(columns, shape) if shape else {}


@verb
@click.argument("source")
@click.option(
    "--from", "path", type=click.Path(path_type=Path), help="file or folder; else from the hub"
)
@click.option("--shape", type=click.Choice(SHAPES), help="of rows of your own")
@named_columns
def ingest(
    folder: Path, source: str, path: Path | None, shape: str | None, columns: tuple[str, ...]
) -> Answer:
    """Read rows of SOURCE into the store. Doing it twice adds nothing.

    SOURCE is stratos, gsm8k, samples-stratos or samples-gsm8k; or a name for rows of your own, with
    --from and --shape.
    """
    from data.sources import cards, ingest as ingestion
    from data.store import open_store

    cards.check(source, path, shape)  # before there is a store: a typo makes none
    places = _places(columns, shape)
    counts = ingestion.ingest(open_store(folder), source, path, shape, places)
    return counts, tables.counts(f"Ingested {source}")


@verb
@click.argument("what", metavar="SOURCE|FILE")
@click.option("--shape", type=click.Choice(SHAPES), help="of the rows of FILE")
@click.option("--rule", "rules", multiple=True, help="a named repair; none by default")
@click.option(
    "--dialects",
    "table",
    type=click.Path(path_type=Path),
    help="a .toml file with your dialects",
)
@named_columns
def convert(
    folder: Path,
    what: str,
    shape: str | None,
    rules: tuple[str, ...],
    table: Path | None,
    columns: tuple[str, ...],
) -> Answer:
    """Turn rows of SOURCE, or of a FILE with --shape, into examples.

    SOURCE is ingested before. Every row, and every line that is none, is counted:
    converted or quarantined.
    """
    from data.conversion import read_dialects
    from data.conversion.convert_file import convert_file
    from data.conversion.convert_source import convert_source
    from data.sources import looks_like_a_place
    from workbench.cli import bars
    from workbench.lookup import existing_store

    own = read_dialects(table)
    path = Path(what)
    # a folder may bear the name of a source
    if shape is None and path.exists() and (what != path.name or not path.is_dir()):
        raise UserError(
            f"{what} is a place on the disk; expected the name of a source. To convert its rows"
            f" say what they are: add --shape {'|'.join(SHAPES)}"
        )
    if shape is None and not path.exists() and looks_like_a_place(what):
        raise UserError(f"{what} does not exist. Check the path; a file needs --shape too.")
    places = _places(columns, shape)
    with bars() as bar:
        if shape is not None:
            value = convert_file(
                path, shape, frozenset(rules), bar(f"convert {what}"), places, table=own
            )
        else:
            store = existing_store(folder)
            value = convert_source(store, what, frozenset(rules), bar(f"convert {what}"), table=own)
    return value, tables.counts(f"Converted {what}")


@verb
@click.argument("source", required=False)
@click.option(
    "--diff", nargs=2, metavar="FIRST SECOND", help="two converters: which rows they differ in"
)
@click.option("--defect", metavar="PHRASE", help="the rows with this defect")
@click.option("--row", "record", metavar="RECORD", help="one row before and after, spans marked")
@click.option("--run", metavar="RUN", help="with `graders`: only the generations of this run")
@click.option(
    "--model", callback=not_empty, help="run, 'tiny', folder or hub id: what its trainer would see"
)
@click.option(
    "--budget", type=click.IntRange(1), help="tokens; with --model: which examples it loses"
)
@click.option(
    "--export", type=click.Path(path_type=Path), help="new folder: Parquet, JSONL, HTML report"
)
def audit(
    folder: Path,
    source: str | None,
    diff: tuple[str, str] | None,
    defect: str | None,
    record: str | None,
    model: str | None,
    budget: int | None,
    export: Path | None,
    run: str | None,
) -> Answer:
    """Say which rows of SOURCE were kept, and why others were not.

    Without SOURCE: all sources and their defects, side by side. Where SOURCE was converted by
    several converters the newest counts. RECORD is an id, or its beginning, as --defect lists them.

    `audit graders`: where graders disagree on the stored generations, which ways to write an answer
    they get wrong, and which golds no answer satisfies or all samples contradict.
    """
    from workbench.cli.output import audit as audits, audit_rows, grader_audit
    from workbench.lookup import existing_store

    if source == "graders":
        if diff or defect or record or model or budget or export:
            raise UserError("`audit graders` takes --run, and no option of rows")
        return grader_audit.graders(folder, run)
    if run:
        raise UserError("--run is of generations: say `audit graders --run RUN`")

    if (diff or defect or record) and (model or export):
        raise UserError(
            "--model and --export are of a whole conversion; give them without --diff, --defect"
            " and --row"
        )
    if budget and not model:
        raise UserError("--budget counts tokens of a model: add --model, e.g. --model tiny")
    store = existing_store(folder)
    if record is not None:
        return audit_rows.row(store, record, defect)
    if source is None:
        if diff or defect or model or export:
            raise UserError("this needs a SOURCE; `thinkbench audit` lists those there are")
        return audits.overview(store)
    if diff:
        return audits.diff(store, source, *diff)
    if defect is not None:
        return audit_rows.with_defect(store, source, defect)
    return audits.summary(store, source, model, budget, export)


def ruling(command: Callable[..., Answer]) -> Callable[..., Answer]:
    """The arguments that both rulings take."""
    author = click.option("--author", default=user_name, help="by default who is logged in")
    reason = click.option("--reason", required=True, help="why, in a few words")
    return click.argument("record")(reason(author(command)))


@verb
@ruling
def quarantine(folder: Path, record: str, reason: str, author: str) -> Answer:
    """Hold a row back from training.

    RECORD is an id, or its beginning. The ruling stays with its author and reason.
    """
    from data.audit import quarantine as rulings
    from workbench.lookup import existing_store

    value = rulings.quarantine(existing_store(folder), record, reason, author)
    return value, tables.counts("Quarantined")


@verb
@ruling
def release(folder: Path, record: str, reason: str, author: str) -> Answer:
    """Let a quarantined row be trained on.

    RECORD is an id, or its beginning. What its markers say becomes an example, whatever else is
    wrong with it.
    """
    from data.audit import quarantine as rulings
    from workbench.lookup import existing_store

    value = rulings.release(existing_store(folder), record, reason, author)
    return value, tables.counts("Released")
