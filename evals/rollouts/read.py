"""Stored rollouts of a GRPO run: the verdicts of all, or whole rows in pages of steps."""

from collections.abc import Iterator

import polars as pl

from data.errors import UserError
from data.progress import Progress
from data.store import IMPORTED_ROLLOUTS, Store, ask, state, within
from evals.graders import DEFAULT_GRADER, GRADERS
from evals.scores import GENERATIONS_PER_BATCH

ANSWER = "answer"  # the reward part that is the grader's verdict: 1, 0, or nan for unknown
COLUMNS = ("problem_id", "step", "group", "attempt", "reward")


def rollouts_per_step(store: Store, run: str, *, discarded: bool = True) -> pl.DataFrame:
    """step, rollouts: number of rollouts of each step, in order; UserError if none.

    discarded: with those of the tries that were not trained on
    """
    steps = ask(
        within(store, [run]),
        """
        select step, count(*) as rollouts
        from sampled_rollouts
        where run = $run and ($discarded or discarded is not true)
        group by step
        order by step
        """,
        run=run,
        discarded=discarded,
    )
    if steps.is_empty():
        runs = ask(store, "select distinct run from rollouts order by run")["run"].to_list()
        raise UserError(
            f"the store has no rollouts of run {run!r}; runs with rollouts:"
            f" {', '.join(runs) or 'none'}. Name one of them, or train one: thinkbench grpo"
        )
    return steps


def is_imported(store: Store, run: str) -> bool:
    """Whether another trainer made the rollouts of `run`."""
    return (state(store, run) or {"kind": None})["kind"] == IMPORTED_ROLLOUTS


def verdict_grader(store: Store, run: str) -> str:
    """The grader that decides what of `run` is correct: of an import the one that fits its texts.

    Others demand this project's format, and were trained on what the default one says.
    """
    last = state(store, run)
    if last is None or last["kind"] != IMPORTED_ROLLOUTS:
        return DEFAULT_GRADER
    return ((last["summary"] or {}).get("graders") or ["lenient"])[0]


def stored_verdicts(store: Store, run: str) -> pl.DataFrame:
    """problem_id, step, group, attempt, reward, right: one row per rollout of every try.

    right is null where unknown. It is the stored reward part ANSWER: the verdict of the grader at
    training time.
    """
    rollouts_per_step(store, run)
    rollouts = ask(
        within(store, [run]),
        """
        select
            problem_id, step, "group", coalesce(attempt, 0) as attempt, reward,
            list_filter(rewards, lambda part: part.name = $answer)[1].value as answer,
            list_contains(list_transform(rewards, lambda part: part.name), $answer) as rewarded
        from sampled_rollouts
        where run = $run
        """,
        run=run,
        answer=ANSWER,
    )
    check_rewards(rollouts, run)
    answer = pl.col("answer").fill_nan(None)
    invalid = rollouts.filter(~pl.col("rewarded") | ~answer.is_in([0.0, 1.0]).fill_null(True))
    if not invalid.is_empty():
        first = invalid.row(0, named=True)
        value = f"is {first['answer']}" if first["rewarded"] else "is missing"
        raise UserError(
            f"run {run!r} has {invalid.height:,} rollouts whose reward {ANSWER!r} is no verdict (in"
            f" step {first['step']}, group {first['group']} it {value}); expected 1, 0 or nan."
            " Grade their texts instead: --regrade"
        )
    return rollouts.select(*COLUMNS, right=answer == 1.0)


def regraded_verdicts(store: Store, run: str, progress: Progress | None = None) -> pl.DataFrame:
    """`stored_verdicts`, by the current grader. Unknown where the store has no reference answer.

    An imported rollout may have no reward.
    """
    rule, needs_rewards = GRADERS[verdict_grader(store, run)], not is_imported(store, run)
    verdicts = []
    for page in rollout_pages(store, run, progress, discarded=True):
        if needs_rewards:
            check_rewards(page, run)
        right = [
            None if gold is None else rule.grade(text, gold).correct
            for text, gold in page.select("text", "gold").iter_rows()
        ]
        columns = page.select(pl.col(COLUMNS)).with_columns(pl.col("attempt").fill_null(0))
        verdicts.append(deep_copy(columns.with_columns(pl.Series("right", right, pl.Boolean))))
    return pl.concat(verdicts)


def deep_copy(columns: pl.DataFrame) -> pl.DataFrame:
    """A copy of some columns of a page that lets the memory of the page's texts be freed.

    Columns that DuckDB returns together share one buffer, so a selection of them keeps all of it
    alive: 1.9 GB instead of 0.5 for a million rows.
    """
    return pl.DataFrame(columns.to_dict(as_series=False), schema=columns.schema)


def rollout_pages(
    store: Store, run: str, progress: Progress | None = None, *, discarded: bool = False
) -> Iterator[pl.DataFrame]:
    """All columns of `rollouts`, and question and gold (null where the store has no such problem).

    Each page has whole steps; rows are sorted by step, group, attempt and sample.
    discarded: with the tries that were not trained on
    """
    steps = rollouts_per_step(store, run, discarded=discarded)
    yield from rollouts_in_steps(store, run, steps, progress, discarded=discarded)


def rollouts_in_steps(
    store: Store,
    run: str,
    steps: pl.DataFrame,
    progress: Progress | None = None,
    *,
    discarded: bool = True,
) -> Iterator[pl.DataFrame]:
    """The pages of `rollout_pages` that have these steps. steps: as of `rollouts_per_step`"""
    problems = ask(store, "select problem_id, question, gold from problem_texts")
    done, total = 0, int(steps["rollouts"].sum())
    for numbers in _pages_of_steps(steps):
        page = ask(
            within(store, [run]),
            """
            select *
            from sampled_rollouts
            where
                run = $run and step in (select unnest($steps::bigint[]))
                and ($discarded or discarded is not true)
            order by step, "group", attempt, sample
            """,
            run=run,
            steps=numbers,
            discarded=discarded,
        )
        yield page.join(problems, on="problem_id", how="left", maintain_order="left")
        done += page.height
        if progress:
            progress(done, total, {})


def comparable_rollouts(page: pl.DataFrame) -> pl.DataFrame:
    """The rollouts of a page that have a reward, and another with one in their group."""
    rewarded = page.filter(pl.col("reward").is_finite().fill_null(False))
    return rewarded.filter(pl.len().over("step", "group") > 1)


def check_rewards(rollouts: pl.DataFrame, run: str) -> None:
    """UserError if a rollout has no finite reward."""
    missing = rollouts.filter(~pl.col("reward").is_finite().fill_null(False))
    if not missing.is_empty():
        step, group = missing.select("step", "group").row(0)
        raise UserError(
            f"run {run!r} has {missing.height:,} rollouts without a reward (the first in step"
            f" {step}, group {group}); expected a number for each. Name another run."
        )


def _pages_of_steps(steps: pl.DataFrame) -> Iterator[list[int]]:
    """The steps of each page: at most GENERATIONS_PER_BATCH rollouts, or one step."""
    page: list[int] = []
    rollouts = 0
    for step, n in steps.iter_rows():
        if page and rollouts + n > GENERATIONS_PER_BATCH:
            yield page
            page, rollouts = [], 0
        page.append(step)
        rollouts += n
    if page:
        yield page
