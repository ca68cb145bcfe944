"""`audit`: how many rows were converted, why others were not, and which defects they have."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from data.errors import UserError
from workbench.cli import Answer, FilePath, frozen_store, not_empty, verb

if TYPE_CHECKING:
    from data.store import Store


@verb
@click.argument("source", required=False)
@click.option(
    "--diff", nargs=2, metavar="FIRST SECOND", help="two converters: in which rows they differ"
)
@click.option("--defect", metavar="DEFECT", help="list the rows with this defect")
@click.option("--row", "record", metavar="RECORD", help="show one row before and after conversion")
@click.option("--run", metavar="RUN", help="with `graders`: only the generations of this run")
@click.option(
    "--model",
    callback=not_empty,
    help="run, 'tiny', folder or hub id: count its tokens",
)
@click.option(
    "--budget", type=click.IntRange(1), help="tokens; with --model: which examples exceed it"
)
@click.option("--export", type=FilePath(), help="new folder: Parquet, JSONL, HTML report")
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
    """Report which rows of SOURCE were converted, and why others were not.

    Without SOURCE: all sources and their defects. Where several converters converted SOURCE, the
    newest counts. RECORD is an id or the beginning of one, as --defect lists them.

    `audit graders`: where graders disagree on the stored generations, which notations of an answer
    they get wrong, and which reference answers no answer matches or all samples contradict.
    """
    of_rows = {"--diff": diff, "--defect": defect, "--row": record, "--model": model,
               "--budget": budget, "--export": export}  # fmt: skip
    if source == "graders":
        if any(of_rows.values()):
            raise UserError("`audit graders` takes --run, and no option about rows")
        return _graders(folder, run)
    if run:
        raise UserError("--run is about generations: expected `audit graders --run RUN`")
    if (diff or defect or record) and (model or export):
        raise UserError(
            "--model and --export are about a whole conversion; leave out --diff, --defect and"
            " --row"
        )
    if budget and not model:
        raise UserError("--budget counts tokens of a model: add --model, e.g. --model tiny")

    store = frozen_store(folder)
    if record is not None:
        return _row(store, record, defect)
    if source is None:
        if diff or defect or model or export:
            raise UserError("this needs a SOURCE; `thinkbench audit` lists the sources")
        return _overview(store)
    if diff:
        return _diff(store, source, *diff)
    if defect is not None:
        return _with_defect(store, source, defect)
    return _summary(store, source, model, budget, export)


def _graders(folder: Path, run: str | None) -> Answer:
    from evals.audit import audit as audit_graders
    from workbench.cli import bars
    from workbench.cli.output.grading import grader_audit

    with bars() as bar:
        value = audit_graders(frozen_store(folder), run, bar("audit graders"))
    return value, grader_audit.show_audit


def _overview(store: "Store") -> Answer:
    """Every source's newest conversion, and the rows with each defect."""
    from data.audit import queries
    from workbench.cli.output import audit as output

    value = {
        "sources": queries.sources(store),
        "defects": queries.defects_by_source(store).to_dicts(),
    }
    return value, output.overview


def _summary(
    store: "Store", source: str, model: str | None, budget: int | None, export: Path | None
) -> Answer:
    """The newest conversion; with `model` its token counts, with `export` also files."""
    from data.audit import export as audit_export, queries
    from data.store import unfrozen
    from workbench.cli.commands.data.audit_tokens import token_counts
    from workbench.cli.output import audit as output

    value: dict[str, Any] = queries.summary(store, source)
    if export is not None:
        value["export"] = audit_export.export(store, source, export)["files"]
    if model is not None:
        value |= token_counts(unfrozen(store), source, value["converter"], model, budget)
    return value, output.summary


def _diff(store: "Store", source: str, first: str, second: str) -> Answer:
    """The rows in which two conversions differ."""
    from data.audit import diff
    from workbench.cli.output import audit as output

    return diff.summary(store, source, first, second), output.diff


def _with_defect(store: "Store", source: str, defect: str) -> Answer:
    from workbench.cli.commands.data.audit_rows import rows_with_defect
    from workbench.cli.output import audit as output

    return rows_with_defect(store, source, defect), output.rows_with_defect


def _row(store: "Store", record: str, defect: str | None) -> Answer:
    from workbench.cli.commands.data.audit_rows import row_before_and_after
    from workbench.cli.output import audit as output

    return row_before_and_after(store, record, defect), output.row
