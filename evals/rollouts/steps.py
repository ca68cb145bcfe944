"""What GRPO did, step by step: its numbers, its groups, and one problem over the whole run."""

from typing import Any

import polars as pl

from data.store import Store, ask, within

GUARD = "guard/"  # what a guard of pipeline/train/guards.py saw is a metric of this prefix


def runs(store: Store) -> pl.DataFrame:
    """run, event, started_at: runs that have rollouts or metrics, the newest first."""
    return ask(
        store,
        """
        select run, event, started_at from runs
        where kind = 'grpo'
        order by started_at desc, run
        """,
    )


def series(store: Store, run: str) -> pl.DataFrame:
    """name, step, value: all that the run measured, by name and step; the newest of each."""
    return ask(
        within(store, [run]),
        """
        select name, step, arg_max(value, "at") as value from metrics
        where run = $run and not starts_with(name, $guard)
        group by name, step
        order by name, step
        """,
        run=run,
        guard=GUARD,
    )


def events(store: Store, run: str) -> pl.DataFrame:
    """sign, first, last, steps, worst: what guards saw, by the step at which it was first seen."""
    return ask(
        within(store, [run]),
        """
        select
            substr(name, length($guard) + 1) as sign, min(step) as first, max(step) as last,
            count(distinct step) as steps, max(value) as worst
        from metrics
        where run = $run and starts_with(name, $guard)
        group by sign
        order by first, sign
        """,
        run=run,
        guard=GUARD,
    )


def parts(store: Store, run: str) -> pl.DataFrame:
    """name, step, value: each part of the reward, times its weight, as a mean of each step."""
    return ask(
        within(store, [run]),
        """
        select part.name as name, step, avg(part.value * part.weight) as value
        from (select step, unnest(rewards) as part from rollouts where run = $run)
        where not isnan(part.value)
        group by name, step
        order by name, step
        """,
        run=run,
    )


def steps(store: Store, run: str) -> pl.DataFrame:
    """step, reward, tokens, truncated, zero_variance, n: of the stored rollouts of each step.

    truncated: share of completions that met the limit
    zero_variance: share of groups whose rewards are all the same, from which nothing is learned
    """
    return ask(
        within(store, [run]),
        """
        with of_groups as (
            select
                step, "group", sum(reward) as reward, sum(tokens) as tokens,
                count(*) filter (finish = 'length') as truncated,
                max(reward) - min(reward) < 1e-9 as same, count(*) as n
            from rollouts where run = $run
            group by step, "group"
        )
        select
            step, sum(reward) / sum(n) as reward, sum(tokens) / sum(n) as tokens,
            sum(truncated) / sum(n) as truncated, avg(same::int) as zero_variance,
            sum(n)::bigint as n
        from of_groups group by step order by step
        """,
        run=run,
    )


def groups(store: Store, run: str, step: int) -> pl.DataFrame:
    """group, problem_id, question, n, reward, spread, best, truncated: the groups of one step."""
    return ask(
        within(store, [run]),
        """
        select
            r."group", r.problem_id, left(any_value(p.question), 200) as question,
            count(*) as n, avg(reward) as reward, stddev_pop(reward) as spread,
            max(reward) as best, count(*) filter (finish = 'length') as truncated
        from rollouts r
        left join problem_texts p using (problem_id)
        where run = $run and step = $step
        group by r."group", r.problem_id
        order by r."group", r.problem_id
        """,
        run=run,
        step=step,
    )


def completions(store: Store, run: str, step: int, group: int) -> list[dict[str, Any]]:
    """sample, text, tokens, finish, rewards, reward, advantage of one group, by sample."""
    return ask(
        within(store, [run]),
        """
        select sample, problem_id, text, tokens, finish, rewards, reward, advantage from rollouts
        where run = $run and step = $step and "group" = $group
        order by sample
        """,
        run=run,
        step=step,
        group=group,
    ).to_dicts()


def of_problem(store: Store, run: str, problem: str) -> pl.DataFrame:
    """step, reward, spread, right, n: how the problem fared whenever the run met it.

    right: share whose part of the reward named `answer` is 1; null where there is no such part
    """
    return ask(
        within(store, [run]),
        """
        with met as (
            select
                step, reward,
                list_filter(rewards, lambda r: r.name = 'answer')[1].value as answer
            from rollouts where run = $run and problem_id = $problem
        )
        select
            step, avg(reward) as reward, stddev_pop(reward) as spread,
            avg((answer = 1)::int) filter (not isnan(answer)) as "right", count(*) as n
        from met group by step order by step
        """,
        run=run,
        problem=problem,
    )
