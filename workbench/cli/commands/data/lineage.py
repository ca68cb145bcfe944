"""`lineage`: where a generation or a record came from, and which failures are near."""

from pathlib import Path
from typing import Any

import click

from data.errors import UserError
from workbench.cli import Answer, fitting_grader_option, frozen_store, not_empty, verb


@verb
@click.argument("origin", required=False, metavar="GENERATION|RECORD")
@click.option("--defect", callback=not_empty, metavar="DEFECT", help="failures near this defect")
@click.option("--run", callback=not_empty, help="whose failures; by default the newest evaluation")
@fitting_grader_option
def lineage(
    folder: Path, origin: str | None, defect: str | None, run: str | None, grader: str | None
) -> Answer:
    """Trace a generation or a record back, or list failures near it.

    A generation is traced back to its checkpoint, runs, subset, conversion and source. The id of a
    record may be abbreviated to its beginning. Failures are near if their words are similar: a
    correlation, not a cause.
    """
    from workbench.cli.output import lineage as output
    from workbench.lookup import nearby_failures, trace_back

    if (origin is None) == (defect is None):
        raise UserError(
            "expected what to trace: the id of a generation or a record, or --defect DEFECT"
        )
    store = frozen_store(folder)
    value: dict[str, Any] = {"id": origin, "steps": [], "near": None}
    if origin is not None:
        kind, steps = trace_back(store, origin)
        value |= {"kind": kind, "steps": [step.to_json() for step in steps]}
    if defect is not None or value.get("kind") == "record":
        value["near"] = nearby_failures(store, origin, defect, run, grader)
    elif run:
        raise UserError(
            f"--run is for a record or a defect; {origin} is a generation, and belongs to one run"
        )
    return value, output.show_lineage
