"""Finished evaluations and imports, the default choice among them, and recent runs."""

from typing import Any

import polars as pl

from data.store import HELD_OUT, HELD_OUT_ANSWERS, TRAINING, Store, ask

STAGE_ORDER = ("base", "sft", "dpo", "grpo")


def finished_evaluations(store: Store) -> pl.DataFrame:
    """run, stage, ended_at, of_train: of finished runs; base, sft, dpo, grpo, then other stages.

    of_train: whether it is an import that had answers to train problems when it was made
    """
    rows = ask(
        store,
        """
        select
            run, stage, ended_at,
            coalesce(try_cast(summary ->> '$.train_problems' as bigint), 0) > 0 as of_train
        from runs
        where list_contains($kinds, kind) and event = 'done'
        order by ended_at, run
        """,
        kinds=HELD_OUT_ANSWERS,
    )
    position = pl.col("stage").replace_strict(
        {stage: number for number, stage in enumerate(STAGE_ORDER)},
        default=len(STAGE_ORDER),
        return_dtype=pl.Int64,
    )
    return rows.sort(position, maintain_order=True)


def default_runs(store: Store) -> list[str]:
    """The runs that are shown where none is chosen: one model before and after each stage.

    They are the newest evaluation of a trained model and the evaluations of the models that it was
    trained from, where those answered the same problems with the same settings. Where there is no
    such run, the newest evaluation of each stage.
    """
    rows = ask(
        store,
        """
        select
            run, kind, parent, inputs ->> '$.model' as model,
            inputs ->> '$.problems' || config as settings
        from runs
        where event = 'done' and list_contains($kinds, kind)
        order by ended_at, run
        """,
        kinds=(HELD_OUT, *TRAINING),
    ).to_dicts()
    trained = {row["run"]: row for row in rows if row["kind"] != HELD_OUT}
    # of several evaluations of one model the newest counts
    evaluated = {
        (row["model"], row["settings"]): row["run"] for row in rows if row["kind"] == HELD_OUT
    }
    for row in reversed(rows):
        if row["kind"] != HELD_OUT:
            continue
        line = [row["run"]]  # newest first
        for model in _models_before(row, trained):
            if run := evaluated.get((model, row["settings"])):
                line.append(run)
        if len(line) > 1:
            return line[::-1]
    return newest_by_stage(finished_evaluations(store))


def _models_before(row: dict[str, Any], trained: dict[str, dict[str, Any]]) -> list[str]:
    """The models that the evaluated one was trained from, by their weights' hash, newest first."""
    models: list[str] = []
    parent = row["parent"]
    while parent in trained and trained[parent]["model"] not in models:
        models.append(trained[parent]["model"])
        parent = trained[parent]["parent"]
    return models


NEWEST_IMPORTS = 3  # imports without a stage that are shown where the store has nothing else


def newest_by_stage(evaluations: pl.DataFrame) -> list[str]:
    """The newest run of each stage, in the order of `evaluations`; else the newest imports.

    Imports of answers to train problems are among these only if there are no others.
    """
    by_time = evaluations.sort("ended_at", maintain_order=True)
    newest = by_time.drop_nulls("stage").unique("stage", keep="last", maintain_order=True)
    if newest.is_empty():
        newest = by_time.sort("of_train", descending=True, maintain_order=True).tail(NEWEST_IMPORTS)
    return [run for run in evaluations["run"] if run in set(newest["run"])]


def recent_runs(store: Store) -> pl.DataFrame:
    """run, kind, stage, event, started_at, seconds, tokens, parent: the newest 50, newest first.

    seconds: from the run's summary, null where it has none
    tokens: of its texts, null where none is stored or none has a count
    """
    return ask(
        store,
        """
        with newest as (
            select run, kind, stage, event, started_at, parent, "at",
                try_cast(summary ->> '$.seconds' as double) as seconds,
                coalesce(try_cast(summary ->> '$.train_problems' as bigint), 0) > 0 as of_train
            from runs
            order by "at" desc, run
            limit 50
        ), written as (
            select run, sum(tokens)::bigint as tokens
            from (
                select run, tokens from generations
                union all select run, tokens from sampled_rollouts
            )
            where run in (select run from newest)
            group by run
        )
        select
            run, kind || if(of_train, ' (train problems)', '') as kind, stage, event, started_at,
            seconds, tokens, parent
        from newest
        left join written using (run)
        order by newest."at" desc, run
        """,
    )
