"""The verb that says where something came from, and what fails near it."""

from pathlib import Path
from typing import Any

import click

from data.errors import UserError
from workbench.cli import Answer, not_empty, verb
from workbench.cli.output import lineage as printed_lineage

GRADERS = ("strict", "lenient", "notebook", "math")


@verb
@click.argument("id", required=False, metavar="GENERATION|RECORD")
@click.option("--defect", callback=not_empty, metavar="PHRASE", help="failures near this defect")
@click.option("--run", callback=not_empty, help="whose failures; by default the newest evaluation")
@click.option("--grader", type=click.Choice(GRADERS), default="strict", show_default=True)
def lineage(
    folder: Path, id: str | None, defect: str | None, run: str | None, grader: str
) -> Answer:
    """Trace a generation or a record back, or failures near it.

    A generation goes back to its checkpoint, runs, subset, conversion and source. A record's id may
    be its beginning. What is near is near in words: an association and no cause.
    """
    from workbench.lookup import existing_store, nearby_failures, trace_back

    if (id is None) == (defect is None):
        raise UserError("say what to trace: the id of a generation or a record, or --defect PHRASE")
    store = existing_store(folder)
    value: dict[str, Any] = {"id": id, "steps": [], "near": None}
    if id is not None:
        kind, steps = trace_back(store, id)
        value |= {"kind": kind, "steps": [step.to_json() for step in steps]}
    if defect is not None or value.get("kind") == "record":
        value["near"] = nearby_failures(store, id, defect, run, grader)
    elif run:
        raise UserError(f"--run is for a record or a defect; {id} is a generation, of one run")
    return value, printed_lineage.show_lineage
