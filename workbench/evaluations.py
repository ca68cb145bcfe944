"""Which runs the overview shows: finished evaluations and imports, and what ran lately."""

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
