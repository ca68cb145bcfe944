"""Rollouts of a GRPO run as the store holds them: verdicts of all, or whole rows page by page."""

from collections.abc import Iterator

import polars as pl

from data.errors import UserError
from data.progress import Progress
from data.store import Store, ask, within
from evals.graders import GRADERS

GRADER = "strict"  # of the rewards and of the evaluation
ANSWER = "answer"  # the reward that is the grader's verdict: 1, 0, or nan where it is unknown
AT_A_TIME = 20_000  # rollouts with their texts in memory, but for one step of more


def steps_of(store: Store, run: str) -> pl.DataFrame:
    """step, rollouts: how many each step sampled, in order; at least one step."""
    found = ask(
        within(store, [run]),
        """
        select step, count(*) as rollouts
        from rollouts
        where run = $run
        group by step
        order by step
        """,
        run=run,
    )
    if found.is_empty():
        known = ask(store, "select distinct run from rollouts order by run")["run"].to_list()
        raise UserError(
            f"the store has no rollouts of run {run!r}; runs with rollouts:"
            f" {', '.join(known) or 'none'}. Name one of them, or make one: thinkbench grpo"
        )
    return found


def stored_verdicts(store: Store, run: str) -> pl.DataFrame:
    """problem_id, step, group, reward, right: a row a rollout; right is null where unknown.

    By the stored reward ANSWER, which is the grader's verdict of when the run was made.
    """
    steps_of(store, run)
    found = ask(
        within(store, [run]),
        """
        select
            problem_id, step, "group", reward,
            list_filter(rewards, lambda part: part.name = $answer)[1].value as answer,
            list_contains(list_transform(rewards, lambda part: part.name), $answer) as rewarded
        from rollouts
        where run = $run
        """,
        run=run,
        answer=ANSWER,
    )
    check_rewards(found, run)
    answer = pl.col("answer").fill_nan(None)
    odd = found.filter(~pl.col("rewarded") | ~answer.is_in([0.0, 1.0]).fill_null(True))
    if not odd.is_empty():
        first = odd.row(0, named=True)
        held = f"is {first['answer']}" if first["rewarded"] else "is not there"
        raise UserError(
            f"run {run!r} has {odd.height:,} rollouts whose reward {ANSWER!r} is no verdict (in"
            f" step {first['step']}, group {first['group']} it {held}); expected 1, 0 or nan."
            " Grade their texts instead: --regrade"
        )
    return found.select("problem_id", "step", "group", "reward", right=answer == 1.0)


def regraded_verdicts(store: Store, run: str, progress: Progress | None = None) -> pl.DataFrame:
    """`stored_verdicts`, by the grader of today. Unknown where the store has no gold."""
    found = []
    for page in pages(store, run, progress):
        check_rewards(page, run)
        right = [
            None if gold is None else GRADERS[GRADER].grade(text, gold).correct
            for text, gold in page.select("text", "gold").iter_rows()
        ]
        kept = page.select("problem_id", "step", "group", "reward")
        found.append(apart(kept.with_columns(pl.Series("right", right, pl.Boolean))))
    return pl.concat(found)


def apart(kept: pl.DataFrame) -> pl.DataFrame:
    """A copy of some columns of a page, without which they keep the whole page, texts and all.

    (Columns that DuckDB made at once are freed at once: 1.9 GB instead of 0.5 for a million rows.)
    """
    return pl.DataFrame(kept.to_dict(as_series=False), schema=kept.schema)


def pages(store: Store, run: str, progress: Progress | None = None) -> Iterator[pl.DataFrame]:
    """All columns of `rollouts`, and gold (null where the store has lost the problem).

    Whole steps, in order; rows stand by step, group and sample.
    """
    steps, golds = steps_of(store, run), _golds(store)
    done, total = 0, int(steps["rollouts"].sum())
    for first, last in _ranges(steps):
        page = ask(
            within(store, [run]),
            """
            select *
            from rollouts
            where run = $run and step between $first and $last
            order by step, "group", sample
            """,
            run=run,
            first=first,
            last=last,
        )
        yield page.join(golds, on="problem_id", how="left", maintain_order="left")
        done += page.height
        if progress:
            progress(done, total, {})


def check_rewards(rollouts: pl.DataFrame, run: str) -> None:
    """Every rollout has a reward, which is a number."""
    without = rollouts.filter(~pl.col("reward").is_finite().fill_null(False))
    if not without.is_empty():
        step, group = without.select("step", "group").row(0)
        raise UserError(
            f"run {run!r} has {without.height:,} rollouts without a reward (the first in step"
            f" {step}, group {group}); expected a number of each. Name another run."
        )


def _golds(store: Store) -> pl.DataFrame:
    """problem_id, gold: of all problems; those of a run were converted by another."""
    return ask(store, "select problem_id, gold from problem_texts")


def _ranges(steps: pl.DataFrame) -> Iterator[tuple[int, int]]:
    """First and last step of each page: at most AT_A_TIME rollouts, or one step."""
    held: list[int] = []
    rollouts = 0
    for step, n in steps.iter_rows():
        if held and rollouts + n > AT_A_TIME:
            yield held[0], held[-1]
            held, rollouts = [], 0
        held.append(step)
        rollouts += n
    yield held[0], held[-1]
