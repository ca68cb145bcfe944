"""The scores of a run, named as RUN, or as RUN/STAGE where it holds several stages."""

from collections.abc import Sequence

import polars as pl

from data.errors import UserError
from data.store import Store, ask, within
from evals.graders import grader as grader_of
from evals.scores.grade import UnknownRun
from evals.scores.overrides import heeding, overrides

FIRST_STAGES = ("base", "sft", "grpo")


class NothingInCommon(UserError):
    """Runs that are to be compared answered different problems."""


def scores_of(store: Store, run: str, grader: str) -> pl.DataFrame:
    """stage, problem_id, sample, format, answer, partial, extracted, finish.

    By the grader's version in use; sorted by the first three. One row a generation, even if two
    processes graded it at once. Where a person has overridden the grader, their verdict is the
    answer.
    """
    rule = grader_of(grader)
    scores = ask(
        within(store, [run]),
        """
        select
            generation_id, stage, problem_id, sample, format, correct as answer, partial,
            extracted, finish
        from scores
        where run = $run and grader = $grader and grader_version = $version
        """,
        run=run,
        grader=rule.name,
        version=rule.version,
    )
    # here, not in the question: a window and a sort there take longer than the reading
    if scores["generation_id"].n_unique() < scores.height:
        scores = scores.unique("generation_id", keep="first", maintain_order=True)
    scores = scores.sort("stage", "problem_id", "sample", maintain_order=True)
    return heeding(overrides(store, rule.name), scores).drop("generation_id")


def scores_named(store: Store, name: str, grader: str) -> pl.DataFrame:
    """`scores_of` the run, or the stage of a run, that `name` names; it may have none."""
    run, _, stage = name.partition("/")
    scores = scores_of(store, run, grader)
    return scores.filter(stage=stage) if stage else scores


def scored(store: Store, name: str, grader: str) -> pl.DataFrame:
    """`scores_named` where there are some."""
    scores = scores_named(store, name, grader)
    if scores.is_empty():
        run = name.partition("/")[0]
        known = ask(store, "select distinct run from scores order by run")["run"].to_list()
        raise UnknownRun(
            f"the store holds no scores of run {name!r} by {grader!r}; runs with scores: "
            f"{', '.join(known) or 'none'}. Grade it first: "
            f"thinkbench grade --run {run} --grader {grader}"
        )
    return scores


def scored_stage(store: Store, name: str, grader: str) -> pl.DataFrame:
    """`scored`, where that is of one stage only."""
    scores = scored(store, name, grader)
    held = by_stage(scores)
    if len(held) > 1:
        names = ", ".join(f"{name}/{stage}" for stage in held)
        raise UserError(
            f"run {name!r} holds {len(held)} stages; expected one. Name it as one of {names}."
        )
    return scores


def by_stage(scores: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Stage -> its scores: base, sft and grpo first, then the others by name."""
    parts = {part["stage"][0]: part for part in scores.partition_by("stage", maintain_order=True)}
    first = [stage for stage in FIRST_STAGES if stage in parts]
    return {stage: parts[stage] for stage in (*first, *sorted(parts.keys() - set(first)))}


def in_common(names: Sequence[str], parts: Sequence[pl.DataFrame]) -> set[str]:
    """The problems that all `parts` have scores of; they bear `names`."""
    answered = [set(part["problem_id"].unique()) for part in parts]
    common = set.intersection(*answered)
    if not common:
        held = ", ".join(f"{n} answered {len(i)}" for n, i in zip(names, answered, strict=True))
        raise NothingInCommon(
            f"{' and '.join(names)} answered no problem in common: {held}."
            " Name runs over the same problems."
        )
    return common
