"""What an id stands for, and which run's failures are looked at where none is named."""

from typing import Any

from data import lineage
from data.audit import NoSuchRecord, find
from data.errors import UserError
from data.lineage import Step
from data.store import Store
from evals import similar_problems
from workbench.lookup.evaluations import finished


def traced(store: Store, id: str) -> tuple[str, list[Step]]:
    """generation or record, and the steps back from it."""
    try:
        return "generation", lineage.back(store, id)
    except lineage.NoSuchGeneration:
        pass
    try:
        return "record", lineage.of_record(store, find(store, id))
    except NoSuchRecord as error:
        raise UserError(
            f"{id!r} is neither a generation nor a record: {error} Generations: thinkbench failures"
            " --json, or the page Failures."
        ) from error


def forward(
    store: Store, record: str | None, defect: str | None, run: str | None, grader: str
) -> dict[str, Any] | None:
    """The failures near a record or a defect; None where no evaluation is there to look at."""
    if run is None:
        known = finished(store).sort("ended_at")["run"].to_list()
        if not known:
            return None
        run = str(known[-1])
    if defect is not None:
        value = similar_problems.near_defect(store, defect, run, grader)
    else:
        value = similar_problems.near_record(store, str(record), run, grader)
    return value | {"says": similar_problems.sentence(value)}
