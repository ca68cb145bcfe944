"""The lineage of an id, and the failures near a record or a defect."""

from typing import Any

from data.audit import NoSuchRecord, find
from data.errors import UserError
from data.lineage import NoSuchGeneration, Step, back, of_record
from data.store import Store
from evals.scores import default_grader
from evals.similarity import similar_problems
from workbench.lookup.evaluations import finished_evaluations


def trace_back(store: Store, generation_or_record: str) -> tuple[str, list[Step]]:
    """ "generation" or "record", and the steps back from it."""
    try:
        return "generation", back(store, generation_or_record)
    except NoSuchGeneration:
        pass
    try:
        return "record", of_record(store, find(store, generation_or_record))
    except NoSuchRecord as error:
        raise UserError(
            f"{generation_or_record!r} is neither a generation nor a record: {error} To list"
            " generations: thinkbench failures --json, or the page Generations."
        ) from error


def nearby_failures(
    store: Store, record: str | None, defect: str | None, run: str | None, grader: str | None
) -> dict[str, Any] | None:
    """The failures near a record or a defect; None where the store has no evaluation.

    run: whose failures; None: those of the newest finished evaluation or import
    grader: None: the one that fits the run
    """
    if run is None:
        run_ids = finished_evaluations(store).sort("ended_at")["run"].to_list()
        if not run_ids:
            return None
        run = str(run_ids[-1])
    grader = grader or default_grader(store, [run])
    if defect is not None:
        value = similar_problems.near_defect(store, defect, run, grader)
    else:
        value = similar_problems.near_record(store, str(record), run, grader)
    return value | {"says": similar_problems.sentence(value)}
