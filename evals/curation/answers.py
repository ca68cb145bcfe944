"""The answers that a run has written: generations of an evaluation, or rollouts."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from data.progress import Progress
from data.store import WITH_ROLLOUTS, Store, ask, runs as store_runs, within
from evals.rollouts import rollout_pages
from evals.scores import GENERATIONS_PER_BATCH, UnknownRun


def answers_of(
    store: Store, run: str, progress: Progress | None = None
) -> Iterator[dict[str, Any]]:
    """problem_id, text, tokens, finish, made_by: generations or rollouts of `run`, in order."""
    state = store_runs.state(store, run)
    if state is None:
        raise UnknownRun(f"there is no run {run!r}. Name a GRPO run, an evaluation or an import.")
    columns = ("problem_id", "text", "tokens", "finish", "made_by")
    if state["kind"] in WITH_ROLLOUTS:
        position = pl.format(
            "step {}, group {}, {}sample {}",
            "step",
            "group",
            pl.when(pl.col("attempt").fill_null(0) > 0)
            .then(pl.format("attempt {}, ", "attempt"))
            .otherwise(pl.lit("")),
            "sample",
        )
        # with the tries that were not trained on: problems that are always solved are among them
        for page in rollout_pages(store, run, progress, discarded=True):
            yield from page.with_columns(made_by=position).select(columns).iter_rows(named=True)
        return
    last = ""
    while True:
        page = ask(
            within(store, [run]),
            """
            select generation_id, problem_id, text, tokens, finish, generation_id as made_by
            from generations where run = $run and generation_id > $last
            order by generation_id limit $at_a_time
            """,
            run=run,
            last=last,
            at_a_time=GENERATIONS_PER_BATCH,
        )
        if page.is_empty():
            return
        last = page["generation_id"][-1]
        yield from (
            page.unique("generation_id", maintain_order=True).select(columns).iter_rows(named=True)
        )
