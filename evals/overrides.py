"""Overrides: what a person says of a score, with a reason. The grader's verdict stays beside it."""

from typing import Any

from data import state
from data.store import Store, ask
from evals.graders import grader as grader_of

VERDICTS = ("right", "wrong", "unknown", "as graded")


class NoSuchGeneration(ValueError):
    """No generation, or more than one, has this id."""


def override(
    store: Store, generation: str, grader: str, verdict: str, reason: str, author: str
) -> dict[str, Any]:
    """Let a person's verdict on a generation count instead of `grader`'s.

    generation: its id, or the beginning of it.   verdict: of VERDICTS; the last takes it back
    """
    rule = grader_of(grader)
    if verdict not in VERDICTS:
        raise state.BadEntry(f"the verdict is {verdict!r}; expected one of {', '.join(VERDICTS)}.")
    found = ask(
        store,
        """
        select distinct on (generation_id) generation_id, problem_id, run, stage, sample, correct
        from scores
        where starts_with(generation_id, $generation)
            and grader = $grader and grader_version = $version
        limit 2
        """,
        generation=generation,
        grader=rule.name,
        version=rule.version,
    )
    if found.height != 1 or not generation:
        raise NoSuchGeneration(
            f"{found.height or 'no'} generations that {grader} has graded have an id that begins"
            f" with {generation!r}; expected one. `thinkbench failures --run RUN --category NAME`"
            " lists ids."
        )
    [row] = found.to_dicts()
    state.override(store, row["generation_id"], rule.name, verdict, reason, author)
    said = {"grader": grader, "graded": row.pop("correct"), "verdict": verdict}
    return {**row, **said, "reason": reason, "author": author}
