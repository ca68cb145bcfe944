"""Overrides: a person's verdict on a generation, with a reason, stored beside the grader's."""

from typing import Any

import polars as pl

from data.errors import UserError
from data.store import Store, annotations, ask
from evals.scores.stored_grader import grader_in

VERDICTS = ("right", "wrong", "unknown", "as graded")


def overrides_of(store: Store, grader: str) -> pl.DataFrame:
    """generation_id, verdict: the verdicts of people that replace those of `grader`."""
    return ask(
        store,
        "select generation_id, verdict from overrides where grader = $grader",
        grader=grader,
    )


def apply_overrides(scores: pl.DataFrame, overrides: pl.DataFrame) -> pl.DataFrame:
    """`scores` (with generation_id, answer and partial) with the verdicts of `overrides` as answer.

    A right answer is within 10 % too; of a wrong one, `partial` stays as graded.
    """
    both = scores.join(overrides, on="generation_id", how="left", maintain_order="left")
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
    """Replace the verdict of `grader` on a generation by a person's.

    generation: its id, or a unique prefix of it
    verdict: of VERDICTS; "as graded" removes the override
    """
    rule = grader_in(store, grader)
    if verdict not in VERDICTS:
        raise annotations.BadEntry(
            f"the verdict is {verdict!r}; expected one of {', '.join(VERDICTS)}."
        )
    matches = ask(
        store,
        """
        select generation_id, problem_id, run, stage, sample, graded_correct as correct
        from current_scores
        where starts_with(generation_id, $generation)
            and grader = $grader and grader_version = $version
        limit 2
        """,
        generation=generation,
        grader=rule.name,
        version=rule.version,
    )
    if matches.height != 1 or not generation:
        raise UserError(
            f"{matches.height or 'no'} generations that {grader} has graded have an id that begins"
            f" with {generation!r}; expected one. `thinkbench failures --run RUN --category NAME`"
            " lists ids."
        )
    [row] = matches.to_dicts()
    annotations.override(store, row["generation_id"], rule.name, verdict, reason, author)
    graded = row.pop("correct")
    return {
        **row,
        "grader": grader,
        "graded": graded,
        "verdict": verdict,
        "reason": reason,
        "author": author,
    }
