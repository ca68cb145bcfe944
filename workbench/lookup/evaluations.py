"""Which runs the overview shows: finished evaluations and imports, and what ran lately."""

from typing import Any

import polars as pl

from data.store import Store, ask

USUAL_ORDER = ("base", "sft", "grpo")


def finished(store: Store) -> pl.DataFrame:
    """run, stage, ended_at: finished evaluations and imports; base, sft, grpo, then others."""
    rows = ask(
        store,
        """
        select run, stage, ended_at
        from runs
        where kind in ('eval', 'import') and event = 'done'
        order by ended_at, run
        """,
    )
    place = pl.col("stage").replace_strict(
        {stage: number for number, stage in enumerate(USUAL_ORDER)},
        default=len(USUAL_ORDER),
        return_dtype=pl.Int64,
    )
    return rows.sort(place, maintain_order=True)


def usual(store: Store) -> list[str]:
    """What is shown where nobody chose: how one model did before, between and after its stages.

    It is the newest that was evaluated after training, beside the models that it was trained from,
    where they were asked the same problems in the same way; where there is none, the newest
    evaluation of each stage.
    """
    rows = ask(
        store,
        """
        select
            run, kind, parent, inputs ->> '$.model' as model,
            inputs ->> '$.problems' || config as asked
        from runs
        where event = 'done' and kind in ('eval', 'sft', 'grpo')
        order by ended_at, run
        """,
    ).to_dicts()
    trained = {row["run"]: row for row in rows if row["kind"] != "eval"}
    # of several evaluations of one model the newest stays
    told = {(row["model"], row["asked"]): row["run"] for row in rows if row["kind"] == "eval"}
    for row in reversed(rows):
        if row["kind"] != "eval":
            continue
        line = [row["run"]]
        for model in _models_before(row, trained):
            if found := told.get((model, row["asked"])):
                line.append(found)
        if len(line) > 1:
            return line[::-1]
    return newest_by_stage(finished(store))


def _models_before(row: dict[str, Any], trained: dict[str, dict[str, Any]]) -> list[str]:
    """The models that the evaluated one was trained from, by their weights' hash, newest first."""
    found: list[str] = []
    at = row["parent"]
    while at in trained and trained[at]["model"] not in found:
        found.append(trained[at]["model"])
        at = trained[at]["parent"]
    return found


FIRST_SIGHT = 3  # imports without a stage that are shown where nothing else is there


def newest_by_stage(evaluations: pl.DataFrame) -> list[str]:
    """The newest run of each stage, in the order of `evaluations`; else the newest imports."""
    by_time = evaluations.sort("ended_at", maintain_order=True)
    newest = by_time.drop_nulls("stage").unique("stage", keep="last", maintain_order=True)
    if newest.is_empty():
        newest = by_time.tail(FIRST_SIGHT)
    return [run for run in evaluations["run"] if run in set(newest["run"])]


def recent_runs(store: Store) -> pl.DataFrame:
    """run, kind, stage, event, started_at, seconds, tokens, parent: the newest 50, newest first.

    seconds: that the run's own summary tells, null where it tells none   tokens: of its texts, null
    where none is stored, or none of them says how many it has
    """
    return ask(
        store,
        """
        with newest as (
            select run, kind, stage, event, started_at, parent, "at",
                try_cast(summary ->> '$.seconds' as double) as seconds
            from runs
            order by "at" desc, run
            limit 50
        ), written as (
            select run, sum(tokens)::bigint as tokens
            from (select run, tokens from generations union all select run, tokens from rollouts)
            where run in (select run from newest)
            group by run
        )
        select run, kind, stage, event, started_at, seconds, tokens, parent
        from newest
        left join written using (run)
        order by newest."at" desc, run
        """,
    )
