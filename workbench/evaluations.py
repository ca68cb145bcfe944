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


def newest_by_stage(evaluations: pl.DataFrame) -> list[str]:
    """The newest run of each stage, in the order of `evaluations`."""
    newest = evaluations.sort("ended_at", maintain_order=True).unique(
        "stage", keep="last", maintain_order=True
    )
    return [run for run in evaluations["run"] if run in set(newest["run"])]


def recent_runs(store: Store) -> pl.DataFrame:
    """run, kind, stage, event, started_at, ended_at, parent: the newest 50, newest first."""
    return ask(
        store,
        """
        select run, kind, stage, event, started_at, ended_at, parent
        from runs
        order by "at" desc, run
        limit 50
        """,
    )
