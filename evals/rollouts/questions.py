"""Named questions about the rollouts of a run, as what was rewarded and should not have been."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from data.errors import UserError
from data.store import Store
from evals.rollouts.browse import COUNTS, SHOWN, Browse, ask_chosen, rollout_counts, rollout_rows

REWARDED = 1.0  # least reward of a rollout that counts as rewarded
SAME = "0.000000001"  # as in advantages.py: rewards that differ by less are equal
THIRDS = 3  # drift compares the first of these parts of the steps with the last


def _first_of_groups(store: Store, browse: Browse, limit: int) -> pl.DataFrame:
    return ask_chosen(
        store,
        browse,
        f"""select {SHOWN} from chosen
        qualify row_number() over (partition by step, "group", attempt order by sample) = 1
        order by step, "group", attempt limit $limit""",
        limit=limit,
    )


def _one_of_each_text(store: Store, browse: Browse, limit: int) -> pl.DataFrame:
    return ask_chosen(
        store,
        browse,
        f"""select {SHOWN} from chosen
        qualify row_number() over (
            partition by hash(text) order by step, "group", attempt, sample
        ) = 1
        order by copies desc, step, "group", sample limit $limit""",
        limit=limit,
    )


def _first_of_each_kind(store: Store, browse: Browse, limit: int) -> pl.DataFrame:
    """The columns SHOWN, kind (a failure category), of_kind (how many rollouts have it)."""
    return ask_chosen(
        store,
        browse,
        f"""with kinds as (select {SHOWN}, unnest(category) as kind from chosen)
        select *, count(*) over (partition by kind) as of_kind from kinds
        qualify row_number() over (
            partition by kind order by step, "group", attempt, sample
        ) = 1
        order by step, "group", sample, kind limit $limit""",
        limit=limit,
    )


DRIFT = """
with ends as (select min(step) as low, max(step) as high from chosen),
parts as (
    select c.*, case
        when step < low + (high - low + 1) / $parts then 'early'
        when step > high - (high - low + 1) / $parts then 'late'
    end as part
    from chosen c, ends
), visits as (
    select
        problem_id, part, any_value(question) as question, count(*) as rollouts,
        count(*) filter (verdict = 'correct') as correct,
        unnest(if( -- one rollout: its text with its place
            part = 'early',
            arg_min({step: step, "group": "group", sample: sample, text: text}, step),
            arg_max({step: step, "group": "group", sample: sample, text: text}, step)
        ))
    from parts where part is not null group by problem_id, part
), pairs as (
    select
        e.problem_id, e.question, e as early, l as late,
        l.correct / l.rollouts - e.correct / e.rollouts as change
    from visits e join visits l using (problem_id)
    where e.part = 'early' and l.part = 'late'
)
"""


def _drift(store: Store, browse: Browse, limit: int) -> pl.DataFrame:
    """problem_id, question, change, and early and late with one rollout of each.

    early, late: rollouts, correct; step, group, sample, text
    """
    shown = ", ".join(
        f'{{step: {part}.step, "group": {part}."group", sample: {part}.sample,'
        f" rollouts: {part}.rollouts, correct: {part}.correct, text: {part}.text}} as {part}"
        for part in ("early", "late")
    )
    return ask_chosen(
        store,
        browse,
        f"{DRIFT} select problem_id, question, {shown}, change from pairs"
        " order by change, problem_id limit $limit",
        parts=THIRDS,
        limit=limit,
    )


def _counts_of_drift(store: Store, browse: Browse) -> dict[str, int]:
    """Counts of the early and late rollouts of problems that have both."""
    return ask_chosen(
        store,
        browse,
        f"{DRIFT} {COUNTS} from parts where part is not null"
        " and problem_id in (select problem_id from pairs)",
        parts=THIRDS,
    ).row(0, named=True)


@dataclass(frozen=True)
class Question:
    """A question: what it asks, the filter and the order of its rows.

    rows, counts: where these are not simply those of the filter
    """

    means: str
    where: str
    sort: str = "step"
    descending: bool = False
    rows: Callable[[Store, Browse, int], pl.DataFrame] = rollout_rows
    counts: Callable[[Store, Browse], dict[str, int]] = rollout_counts


QUESTIONS = {
    "rewarded-but-incorrect": Question(
        "rewarded, and the answer is incorrect",
        "reward >= {rewarded} and verdict = incorrect",
        sort="reward",
        descending=True,
    ),
    "incorrect-with-positive-advantage": Question(
        "the step learned to write it, and the answer is incorrect",
        "sign = positive and verdict = incorrect",
        sort="advantage",
        descending=True,
    ),
    "correct-but-punished": Question(
        "the step learned not to write it, and the answer is correct",
        "sign = negative and verdict = correct",
        sort="advantage",
    ),
    "zero-variance-groups": Question(
        "groups whose rewards are all equal, which teach nothing; one rollout of each",
        f"spread <= {SAME}",
        rows=_first_of_groups,
    ),
    "longest": Question("the longest completions", "", sort="chars", descending=True),
    "identical": Question(
        "texts that were written more than once; the first rollout of each",
        "copies > 1",
        rows=_one_of_each_text,
    ),
    "drift": Question(
        "problems sampled in the first and in the last third of the steps, the largest loss first",
        "",
        rows=_drift,
        counts=_counts_of_drift,
    ),
    "first-hacks": Question(
        "incorrect, and the step learned to write it: the first of each failure category",
        "sign = positive and verdict = incorrect",
        rows=_first_of_each_kind,
    ),
}


def ask_about(
    store: Store, name: str, browse: Browse, limit: int, rewarded: float = REWARDED
) -> dict[str, Any]:
    """The object of `thinkbench rollouts ask`: the question, counts of all its rollouts, some rows.

    browse:   its filter and search hold in addition
    rewarded: least reward that counts as rewarded
    of:       counts of all rollouts of the run
    """
    if name not in QUESTIONS:
        raise UserError(f"there is no question {name!r}; expected one of {', '.join(QUESTIONS)}.")
    question = QUESTIONS[name]
    conditions = [question.where.format(rewarded=f"{rewarded:f}"), browse.where]
    chosen = replace(
        browse,
        where=" and ".join(f"({each})" for each in conditions if each.strip()),
        sort=question.sort,
        descending=question.descending,
    )
    return {
        "run": browse.run,
        "question": name,
        "means": question.means,
        "grader": browse.grader,
        "where": chosen.where,
        **question.counts(store, chosen),
        "of": rollout_counts(store, replace(browse, where="", search="")),
        "rows": question.rows(store, chosen, limit).to_dicts(),
    }
