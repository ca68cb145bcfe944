"""How good a judge is, beside every object and table that a command makes by its verdicts."""

from pathlib import Path
from typing import Any

from workbench.cli.options import JUDGE


def with_judge(folder: Path, value: dict[str, Any]) -> dict[str, Any]:
    """`value`, and where its grader is a judge how good that is, as `judge`."""
    grader = value.get("grader")
    if not isinstance(grader, str) or not grader.startswith(JUDGE) or "validated" in value:
        return value
    from evals.judge import quality_of  # loads polars, which help texts do without
    from workbench.lookup import existing_store

    return value | {"judge": quality_of(existing_store(folder), grader)}


def show_judge(quality: dict[str, Any]) -> None:
    from workbench.cli.output import tables
    from workbench.formatting import judge_note

    tables.show(judge_note(quality))
