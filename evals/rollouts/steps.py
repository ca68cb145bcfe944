"""A GRPO run step by step: its metrics, its groups, and one problem over the whole run."""

from typing import Any

import polars as pl

from data.store import WITH_ROLLOUTS, Store, ask, within

GUARD = "guard/"  # prefix of the metrics that pipeline/train/guards.py writes


def runs(store: Store) -> pl.DataFrame:
    """run, event, started_at: the GRPO runs and imported ones, newest first."""
    return ask(
        store,
        """
        select run, event, started_at from runs
        where list_contains($kinds, kind)
        order by started_at desc, run
        """,
        kinds=WITH_ROLLOUTS,
    )


def series(store: Store, run: str) -> pl.DataFrame:
    """name, step, value: all metrics of the run, by name and step; the latest value of each."""
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


def guard_events(store: Store, run: str) -> pl.DataFrame:
    """sign, first, last, steps, worst: what the guards detected, by the first step of each."""
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


def reward_parts(store: Store, run: str) -> pl.DataFrame:
    """name, step, value: the mean of each weighted reward part over a step's first tries."""
    return ask(
        within(store, [run]),
        """
        select part.name as name, step, avg(part.value * part.weight) as value
        from (
            select step, unnest(rewards) as part from sampled_rollouts
            where run = $run and coalesce(attempt, 0) = 0
        )
        where not isnan(part.value)
        group by name, step
        order by name, step
        """,
        run=run,
    )


def steps(store: Store, run: str) -> pl.DataFrame:
    """step, reward, tokens, truncated, zero_variance, n, discarded: of each step.

    reward, tokens, truncated (share that reached the token limit): means over the first tries
    zero_variance: share of first tries whose rewards are all equal; a group of one, or with an
        unknown reward, does not count
    n: rollouts that were trained on   discarded: those of tries that were sampled again
    """
    return ask(
        within(store, [run]),
        """
        with of_groups as (
            select
                step, discarded is true as discarded, coalesce(attempt, 0) = 0 as first,
                sum(reward) as reward, sum(tokens) as tokens,
                count(*) filter (finish = 'length') as truncated,
                case when count(*) > 1 and count(reward) = count(*)
                    then max(reward) - min(reward) < 1e-9 end as same,
                count(*) as n
            from sampled_rollouts where run = $run
            group by step, "group", attempt, discarded
        )
        select
            step, sum(reward) filter (first) / sum(n) filter (first) as reward,
            sum(tokens) filter (first) / sum(n) filter (first) as tokens,
            sum(truncated) filter (first) / sum(n) filter (first) as truncated,
            avg(same::int) filter (first) as zero_variance,
            (sum(n) filter (not discarded))::bigint as n,
            coalesce(sum(n) filter (discarded), 0)::bigint as discarded
        from of_groups group by step order by step
        """,
        run=run,
    )


def groups(store: Store, run: str, step: int) -> pl.DataFrame:
    """group, problem_id, question, n, reward, spread, best, truncated: the groups of one step.

    spread: unknown in a group of one, or with an unknown reward
    """
    return ask(
        within(store, [run]),
        """
        select
            r."group", r.problem_id, left(any_value(p.question), 200) as question,
            count(*) as n, avg(reward) as reward,
            case when count(*) > 1 and count(reward) = count(*)
                then stddev_pop(reward) end as spread,
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


def discarded_tries(store: Store, run: str, step: int) -> pl.DataFrame:
    """group, attempt, problem_id, question, n, correct: tries of a step that were sampled again.

    correct: rollouts whose reward part `answer` is 1
    """
    return ask(
        within(store, [run]),
        """
        select
            r."group", r.attempt, r.problem_id, left(any_value(p.question), 200) as question,
            count(*) as n,
            count(*) filter (
                list_filter(rewards, lambda part: part.name = 'answer')[1].value = 1
            ) as correct
        from sampled_rollouts r
        left join problem_texts p using (problem_id)
        where run = $run and step = $step and discarded
        group by r."group", r.attempt, r.problem_id
        order by r."group", r.attempt
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


def problem_history(store: Store, run: str, problem: str) -> pl.DataFrame:
    """step, reward, spread, right, n, discarded: one problem at each step that sampled it.

    Of every rollout, also of tries that were not trained on; discarded is how many these are.
    right: share whose reward part `answer` is 1; null where there is no such part
    """
    return ask(
        within(store, [run]),
        """
        with met as (
            select
                step, reward, discarded,
                list_filter(rewards, lambda r: r.name = 'answer')[1].value as answer
            from sampled_rollouts where run = $run and problem_id = $problem
        )
        select
            step, avg(reward) as reward, stddev_pop(reward) as spread,
            avg((answer = 1)::int) filter (not isnan(answer)) as "right", count(*) as n,
            count(*) filter (discarded) as discarded
        from met group by step order by step
        """,
        run=run,
        problem=problem,
    )
