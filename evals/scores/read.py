"""The scores of a run. It is named as RUN, or as RUN/STAGE where it has several stages."""

import polars as pl

from data.errors import UserError
from data.store import Store, ask, within
from evals.scores.grade import unknown_run
from evals.scores.stored_grader import grader_in

FIRST_STAGES = ("base", "sft", "dpo", "grpo")


def scores_of(store: Store, run: str, grader: str) -> pl.DataFrame:
    """stage, problem_id, sample, format, answer, partial, extracted, finish.

    By the current version of the grader; sorted by the first three columns. One row per generation,
    even if two processes graded it concurrently. Overrides by people replace the grader's verdict.
    """
    rule = grader_in(store, grader)
    scores = ask(
        within(store, [run]),
        """
        select
            stage, problem_id, sample, format, correct as answer, partial, extracted, finish
        from current_scores
        where run = $run and grader = $grader and grader_version = $version
        """,
        run=run,
        grader=rule.name,
        version=rule.version,
    )
    # here, not in the question: DuckDB takes longer to sort a million rows of text
    return scores.sort("stage", "problem_id", "sample", maintain_order=True)


def scores_named(store: Store, name: str, grader: str) -> pl.DataFrame:
    """`scores_of` the run or stage `name`; may be empty."""
    run, _, stage = name.partition("/")
    scores = scores_of(store, run, grader)
    return scores.filter(stage=stage) if stage else scores


def require_scores(store: Store, name: str, grader: str) -> pl.DataFrame:
    """`scores_named`; UnknownRun if there are none."""
    scores = scores_named(store, name, grader)
    if scores.is_empty():
        run = name.partition("/")[0]
        runs = ask(store, "select distinct run from scores order by run")["run"].to_list()
        raise unknown_run(
            store,
            run,
            f"the store has no scores of run {name!r} by {grader!r}; runs with scores: "
            f"{', '.join(runs) or 'none'}. Grade it first: "
            f"thinkbench grade --run {run} --grader {grader}",
        )
    return scores


def require_stage_scores(store: Store, name: str, grader: str) -> pl.DataFrame:
    """`require_scores` of exactly one stage; UserError if the run has several."""
    scores = require_scores(store, name, grader)
    stages = by_stage(scores)
    if len(stages) > 1:
        names = ", ".join(f"{name}/{stage}" for stage in stages)
        raise UserError(
            f"run {name!r} has {len(stages)} stages; expected one. Name it as one of {names}."
        )
    return scores


def by_stage(scores: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Stage -> its scores: base, sft and grpo first, then the rest by name."""
    parts = {part["stage"][0]: part for part in scores.partition_by("stage", maintain_order=True)}
    first = [stage for stage in FIRST_STAGES if stage in parts]
    return {stage: parts[stage] for stage in (*first, *sorted(parts.keys() - set(first)))}
