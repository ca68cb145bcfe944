"""Grading in batches: the generations of a frame, or the ungraded generations of a stored run."""

from collections.abc import Iterator

import polars as pl

from data.errors import UserError
from data.store import TABLES, Store, add, ask, files, fingerprint
from evals.graders import grader as grader_of
from evals.scores.stored_grader import JUDGE, grader_in

GENERATIONS_PER_BATCH = 20_000  # that are in memory with their texts while a run is read
NO_GOLD = ""  # reference answer of a problem that the store does not have: verdicts are unknown


class UnknownRun(UserError):
    """The store has no generations or scores of this run."""


def unknown_run(store: Store, run: str, message: str) -> UnknownRun:
    """The error about a run without generations or scores; of a deleted one, how to restore it."""
    query = 'select event from run_events where run = $run order by "at" desc limit 1'
    if ask(store, query, run=run)["event"].to_list() == ["deleted"]:
        return UnknownRun(f"run {run!r} was deleted. Bring it back: thinkbench store restore {run}")
    return UnknownRun(message)


def grade_generations(generations: pl.DataFrame, grader: str) -> pl.DataFrame:
    """The verdicts of `grader` on `generations` (with a column `gold`), as rows of `scores`."""
    rule = grader_of(grader)
    verdicts = [
        rule.grade(text, gold)
        for text, gold in zip(generations["text"], generations["gold"], strict=True)
    ]
    columns = TABLES["scores"]
    return generations.select(
        "generation_id",
        "run",
        "stage",
        "problem_id",
        "sample",
        pl.lit(rule.name).alias("grader"),
        pl.lit(rule.version).alias("grader_version"),
        *(
            pl.Series(name, [getattr(verdict, name) for verdict in verdicts], columns[name])
            for name in ("format", "extracted", "correct", "partial", "reason")
        ),
        "tokens",
        "finish",
    )


def grade_missing(store: Store, run: str, grader: str) -> None:
    """Grade the generations of `run` that have no verdict by this version of the grader.

    A second process that grades the run waits for the first, and grades what is left.
    """
    rule = grader_in(store, grader)
    if without_verdict(store, run, rule.name, rule.version).is_empty():
        return  # before the lock: the store may be read-only
    if grader.startswith(JUDGE):
        rule.grade("", NO_GOLD)  # which says how to ask it
    with files.exclusive(store.folder, f"grade-{run}"):
        missing = without_verdict(store, run, rule.name, rule.version)
        for part in in_batches(store, run, missing):
            for (stage,), of_stage in part.group_by("stage", maintain_order=True):
                # named by its content, also for where a file system has no locks
                ids = of_stage["generation_id"].to_list()
                once = fingerprint(ids=ids, grader=rule.name, version=rule.version)
                scores = grade_generations(of_stage, grader)
                add(store, "scores", scores, run=run, stage=str(stage), once=once)


def without_verdict(store: Store, run: str, grader: str, version: str) -> pl.Series:
    """The ids of ungraded generations, by stage and problem."""
    rows = ask(
        store,
        """
        select distinct generation_id, stage, problem_id, sample from generations
        where run = $run and generation_id not in (
            select generation_id from scores
            where run = $run and grader = $grader and grader_version = $version
        )
        order by stage, problem_id, sample, generation_id
        """,
        run=run,
        grader=grader,
        version=version,
    )
    return rows["generation_id"]


def in_batches(store: Store, run: str, ids: pl.Series) -> Iterator[pl.DataFrame]:
    """The generations of these ids, each once, with question and gold; by stage and problem.

    GENERATIONS_PER_BATCH ids at a time, because texts are long.
    """
    for first in range(0, len(ids), GENERATIONS_PER_BATCH):
        rows = ask(
            store,
            """
            select distinct on (generation_id)
                * replace (coalesce(gold, $no_gold) as gold, coalesce(question, '') as question)
            from answered_generations
            where run = $run and generation_id in (select unnest($ids))
            """,
            run=run,
            ids=ids[first : first + GENERATIONS_PER_BATCH].to_list(),
            no_gold=NO_GOLD,
        )
        yield rows.sort("stage", "problem_id", "sample", "generation_id")
