"""Overrides: what a person says of a score, with a reason. The grader's verdict stays beside it."""

from typing import Any

import polars as pl

from data.errors import UserError
from data.store import Store, ask, state_db
from evals.graders import grader as grader_of

VERDICTS = ("right", "wrong", "unknown", "as graded")


class NoSuchGeneration(UserError):
    """No generation, or more than one, has this id."""


def overrides(store: Store, grader: str) -> pl.DataFrame:
    """generation_id, verdict: what people say instead of `grader`."""
    return ask(
        store,
        "select generation_id, verdict from overrides where grader = $grader",
        grader=grader,
    )


def heeding(said: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    """`scores` (with generation_id, answer and partial) where a person's verdict is the answer.

    said: of `overrides`. What is right is within 10 % too; what is wrong may be, as graded.
    """
    both = scores.join(said, on="generation_id", how="left", maintain_order="left")
    verdict = pl.col("verdict")
    as_graded = pl.when(verdict.is_null())
    answer = as_graded.then(pl.col("answer")).when(verdict == "right").then(True)
    near = pl.when(verdict.is_null() | (verdict == "wrong")).then(pl.col("partial"))
    return both.with_columns(
        answer=answer.when(verdict == "wrong").then(False),  # else unknown
        partial=near.when(verdict == "right").then(True),
    ).drop("verdict")


def override(
    store: Store, generation: str, grader: str, verdict: str, reason: str, author: str
) -> dict[str, Any]:
    """Let a person's verdict on a generation count instead of `grader`'s.

    generation: its id, or the beginning of it.   verdict: of VERDICTS; the last takes it back
    """
    rule = grader_of(grader)
    if verdict not in VERDICTS:
        raise state_db.BadEntry(
            f"the verdict is {verdict!r}; expected one of {', '.join(VERDICTS)}."
        )
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
    state_db.override(store, row["generation_id"], rule.name, verdict, reason, author)
    said = {"grader": grader, "graded": row.pop("correct"), "verdict": verdict}
    return {**row, **said, "reason": reason, "author": author}
