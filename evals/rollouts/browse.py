"""One table over all rollouts of a run: filters, search, sort by any field, counts of values."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from data.errors import UserError
from data.store import Store, ask, within
from data.subsets import Field, condition
from evals.failures import VERSION
from evals.scores import grader_in

ROWS = """
-- not materialized: each part reads the columns that it needs; texts are most of the bytes
with rollouts_of_run as not materialized (
    select
        step, "group", coalesce(attempt, 0) as attempt, sample, problem_id, text, tokens, finish,
        rewards, reward, advantage, coalesce(discarded, false) as discarded
    from sampled_rollouts where run = $run
), groups as (
    select
        step, "group", attempt, avg(reward) as group_reward,
        if(count(*) > 1 and count(reward) = count(*), max(reward) - min(reward), null) as spread
    from rollouts_of_run group by all
), repeated as (
    select hash(text) as hashed, count(*) as copies from rollouts_of_run group by hashed
), verdicts as (
    select step, "group", attempt, sample, correct, format, extracted from rollout_scores
    where run = $run and grader = $grader and grader_version = $version
    qualify row_number() over (partition by step, "group", attempt, sample) = 1
), findings as (
    select
        step, "group", attempt, sample, list_transform(categories, lambda c: c.name) as category
    from rollout_failures where run = $run and version = $categories
    qualify row_number() over (partition by step, "group", attempt, sample) = 1
), rows as (
    select
        r.*, g.spread, g.group_reward, c.copies, length(text) as chars,
        p.question, p.gold, v.extracted, v.format as in_format,
        case v.correct when true then 'correct' when false then 'incorrect' else 'unknown' end
            as verdict,
        case -- as in evals/rollouts/advantages.py: smaller ones are rounding errors
            when advantage > 1e-9 then 'positive'
            when advantage < -1e-9 then 'negative'
            when advantage is not null then 'zero'
        end as sign,
        coalesce(f.category, []) as category
    from rollouts_of_run r
    join groups g using (step, "group", attempt)
    join repeated c on c.hashed = hash(r.text)
    left join problem_texts p using (problem_id)
    left join verdicts v using (step, "group", attempt, sample)
    left join findings f using (step, "group", attempt, sample)
)
"""

FIELDS = {
    "step": Field("step", "number", "of training"),
    "group": Field('"group"', "number", "within its step"),
    "attempt": Field("attempt", "number", "which try at its place of the batch, from 0"),
    "sample": Field("sample", "number", "within its group"),
    "problem_id": Field("problem_id", means="of the problem"),
    "reward": Field("reward", "number", "weighted sum of the parts"),
    "advantage": Field("advantage", "number", "what the step learned from"),
    "sign": Field("sign", means="of the advantage: positive, negative, zero"),
    "verdict": Field("verdict", means="of the grader: correct, incorrect, unknown"),
    "in_format": Field("in_format::varchar", means="true or false, by the grader"),
    "extracted": Field("extracted", means="the answer that the grader read", long=True),
    "finish": Field("finish", means="stop or length"),
    "tokens": Field("tokens", "number", "of the completion"),
    "chars": Field("chars", "number", "characters of the completion"),
    "category": Field("category", "set", "failure categories"),
    "discarded": Field("discarded::varchar", means="true: sampled, and not trained on"),
    "spread": Field("spread", "number", "highest less lowest reward of its group; unknown of one"),
    "group_reward": Field("group_reward", "number", "mean reward of its group"),
    "copies": Field("copies", "number", "completions of the run with exactly this text"),
    "text": Field("text", means="the completion", long=True),
    "question": Field("question", means="of the problem", long=True),
    "gold": Field("gold", means="the reference answer", long=True),
}
FACETS = ("step", "verdict", "sign", "finish", "category", "discarded", "in_format")
BANDED = ("reward", "tokens", "chars")
BANDS = 10  # of each of these
SHOWN = """
step, "group", attempt, sample, problem_id, question, gold, text, extracted, verdict, reward,
advantage, rewards, finish, tokens, chars, category, discarded, spread, copies
"""
COUNTS = """
select
    count(*) as rollouts, count(distinct (step, "group", attempt)) as groups,
    count(distinct step) as steps, count(distinct problem_id) as problems
"""


@dataclass(frozen=True)
class Browse:
    """Which rollouts of a run, in which order.

    grader: whose verdicts count
    where:  a filter over FIELDS; "" for all   search: letters in a completion or its question
    sort:   a field of FIELDS
    discarded: with the tries that were not trained on
    """

    run: str
    grader: str
    where: str = ""
    search: str = ""
    sort: str = "step"
    descending: bool = False
    discarded: bool = True

    def __post_init__(self) -> None:
        if self.sort not in FIELDS:
            raise UserError(
                f"rollouts have no field {self.sort!r}; expected one of {', '.join(FIELDS)}."
            )


def rollout_rows(store: Store, browse: Browse, limit: int, offset: int = 0) -> pl.DataFrame:
    """The columns SHOWN of the chosen rollouts, those with an unknown value of `sort` last."""
    direction = "desc" if browse.descending else "asc"
    return ask_chosen(
        store,
        browse,
        f"select {SHOWN} from chosen order by {FIELDS[browse.sort].sql} {direction} nulls last,"
        ' step, "group", attempt, sample limit $limit offset $offset',
        limit=limit,
        offset=offset,
    )


def rollout_counts(store: Store, browse: Browse) -> dict[str, int]:
    """rollouts, groups, steps, problems: how many of them are chosen."""
    return ask_chosen(store, browse, f"{COUNTS} from chosen").row(0, named=True)


def facets(store: Store, browse: Browse) -> dict[str, list[dict[str, Any]]]:
    """For each of FACETS its values with the number of chosen rollouts, and bands of numbers.

    A band of rewards or lengths is low <= value < high; the last one has both ends.
    """
    counts: dict[str, list[dict[str, Any]]] = {}
    for name in FACETS:
        value = f"unnest({name})" if FIELDS[name].kind == "set" else FIELDS[name].sql
        order = "value" if FIELDS[name].number else "n desc, value"
        counts[name] = ask_chosen(
            store,
            browse,
            f"select value, count(*) as n from (select {value} as value from chosen)"
            f" group by value order by {order}",
        ).to_dicts()
    return counts | {name: rollout_bands(store, browse, name) for name in BANDED}


def rollout_bands(store: Store, browse: Browse, name: str) -> list[dict[str, Any]]:
    """low, high, n: BANDS equal parts of a field of numbers that have chosen rollouts, by value.

    A part holds low <= value < high; the last one has both ends.
    """
    query = f"""
        with numbers as (
            select
                {name}::double as value, min(value) over () as low,
                (max(value) over () - low) / $bands as width
            from chosen where {name} is not null
        ), numbered as (
            select
                low, width,
                if(width = 0, 0, least(floor((value - low) / width), $bands - 1)) as band
            from numbers
        )
        select low + band * width as low, low + (band + 1) * width as high, count(*) as n
        from numbered group by numbered.low, width, band order by band
    """
    return ask_chosen(store, browse, query, bands=BANDS).to_dicts()


def ask_chosen(store: Store, browse: Browse, query: str, **values: Any) -> pl.DataFrame:
    """The answer to a question about `chosen`, the table of the chosen rollouts."""
    rule = grader_in(store, browse.grader)
    sql, params = condition(browse.where, FIELDS)
    conditions = [f"({sql})"]
    if browse.search:
        conditions.append("(contains(lower(text), $search) or contains(lower(question), $search))")
        values["search"] = browse.search.lower()
    if not browse.discarded:
        conditions.append("not discarded")
    chosen = "select * from rows where " + " and ".join(conditions)
    return ask(
        within(store, [browse.run]),
        f"{ROWS}, chosen as ({chosen}) select * from ({query})",
        run=browse.run,
        grader=rule.name,
        version=rule.version,
        categories=VERSION,
        **params,
        **values,
    )
