"""Verdicts and failure categories of stored rollouts: computed once per grader, then read."""

from collections.abc import Callable

import polars as pl

from data.progress import Progress, no_progress
from data.store import TABLES, Store, add, ask, files, fingerprint, within
from evals.failures import VERSION
from evals.failures.categories import categories
from evals.graders import GRADERS, grader as grader_of
from evals.rollouts.read import rollouts_in_steps, rollouts_per_step
from evals.scores import NO_GOLD

KEY = ("step", "group", "attempt", "sample")
RowsOf = Callable[[pl.DataFrame], pl.DataFrame]


def grade_rollouts(store: Store, run: str, grader: str, progress: Progress = no_progress) -> None:
    """Store the verdicts of `grader` on the steps of `run` that have none of its version."""
    rule = grader_of(grader)
    columns = TABLES["rollout_scores"]

    def scores(rollouts: pl.DataFrame) -> pl.DataFrame:
        graded = [rule.grade(text, gold) for text, gold in _texts(rollouts)]
        return rollouts.select(
            *KEY,
            "problem_id",
            pl.lit(rule.name).alias("grader"),
            pl.lit(rule.version).alias("grader_version"),
            *(
                pl.Series(name, [getattr(score, name) for score in graded], columns[name])
                for name in ("format", "extracted", "correct", "partial", "reason")
            ),
        )

    done = ask(
        within(store, [run]),
        "select distinct step from rollout_scores"
        " where run = $run and grader = $grader and grader_version = $version",
        run=run,
        grader=rule.name,
        version=rule.version,
    )
    _add_missing(store, run, "rollout_scores", done, scores, progress)


def graded_by(store: Store, run: str) -> list[str]:
    """The graders whose current versions have verdicts on rollouts of `run`, in their order."""
    rows = ask(
        within(store, [run]),
        "select distinct grader, grader_version from rollout_scores where run = $run",
        run=run,
    )
    graded = set(rows.iter_rows())
    return [rule.name for rule in GRADERS.values() if (rule.name, rule.version) in graded]


def categorise_rollouts(store: Store, run: str, progress: Progress = no_progress) -> None:
    """Store the failure categories of the steps of `run` that have none of this version."""
    strict, lenient = GRADERS["strict"].grade, GRADERS["lenient"].grade

    def failures(rollouts: pl.DataFrame) -> pl.DataFrame:
        rows = zip(
            _texts(rollouts), rollouts["question"].fill_null(""), rollouts["finish"], strict=True
        )
        by_rollout = [
            categories(text, question, gold, finish, strict(text, gold), lenient(text, gold))
            for (text, gold), question, finish in rows
        ]
        return rollouts.select(
            *KEY,
            pl.lit(VERSION).alias("version"),
            pl.Series(
                "categories",
                [[category._asdict() for category in of_row] for of_row in by_rollout],
                TABLES["rollout_failures"]["categories"],
            ),
        )

    done = ask(
        within(store, [run]),
        "select distinct step from rollout_failures where run = $run and version = $version",
        run=run,
        version=VERSION,
    )
    _add_missing(store, run, "rollout_failures", done, failures, progress)


def _texts(rollouts: pl.DataFrame) -> list[tuple[str, str]]:
    return rollouts.select("text", pl.col("gold").fill_null(NO_GOLD)).rows()


def _add_missing(
    store: Store, run: str, table: str, done: pl.DataFrame, rows_of: RowsOf, progress: Progress
) -> None:
    """Add the rows of all steps but `done`.

    A second process that does the same waits, and writes the same parts again.
    """
    steps = rollouts_per_step(store, run).join(done, on="step", how="anti", maintain_order="left")
    if steps.is_empty():
        return  # before the lock: the store may be read-only
    with files.exclusive(store.folder, f"grade-rollouts-{run}"):
        for rollouts in rollouts_in_steps(store, run, steps, progress):
            rows = rows_of(rollouts.with_columns(pl.col("attempt").fill_null(0)))
            once = fingerprint(table=table, rows=rows.select(KEY).rows(), by=_decided_by(rows))
            add(store, table, rows, run=run, once=once)


def _decided_by(rows: pl.DataFrame) -> list[str]:
    """Grader and version, or version."""
    names = [name for name in ("grader", "grader_version", "version") if name in rows.columns]
    return [str(value) for value in rows.select(names).row(0)]
