"""Fields of problems for filters: question, reference answer, and how often a run solves it."""

import re
from typing import Any

import polars as pl

from data.audit import queries
from data.errors import UserError
from data.store import WITH_ROLLOUTS, Store, ask, runs
from data.subsets import Field, Table, condition
from evals.rollouts import learnability
from evals.scores import grader_in

TABLES = """
measured as (
    select
        unnest($measured_ids::varchar[]) as problem_id, unnest($pass_rates::double[]) as pass_rate,
        unnest($answers::bigint[]) as answers, unnest($bands::varchar[]) as band,
        unnest($seen::bigint[]) as seen, unnest($first_solved::bigint[]) as first_solved,
        unnest($variances::double[]) as reward_variance
), tagged as (
    select target_id as record_id, list(tag order by tag) as tag
    from tags where target_kind = 'record' group by target_id
), rows as (
    select
        p.problem_id as id, p.source, t.split, p.steps, p.question, p.gold,
        coalesce(s.tag, []) as tag, p.excluded,
        n.pass_rate, n.answers, n.band, n.seen, n.first_solved, n.reward_variance
    from (
        select * from problem_rows
        where source in (select unnest($sources::varchar[])) and {only} and {current}
        -- of a problem in several records, one that counts
        qualify row_number() over (
            partition by problem_id order by excluded is not null, source, record_id, run
        ) = 1
    ) p
    left join (select problem_id, split from problem_texts where {only}) t using (problem_id)
    left join tagged s using (record_id) left join measured n using (problem_id)
)
"""

FIELDS = {
    "source": Field("source", means="where the problem came from"),
    "steps": Field("steps", "number", "of reasoning, where its source counts them"),
    "question": Field("question", means="its text", long=True),
    "gold": Field("gold", means="the reference answer", long=True),
    "question_chars": Field("length(question)", "number", "characters"),
    "tag": Field("tag", "set", "tags of its record"),
    "pass_rate": Field("pass_rate", "number", "share of the run's answers that are right"),
    "answers": Field("answers", "number", "answers of the run: the n of pass_rate"),
    "band": Field("band", means=f"of a GRPO run: {', '.join(learnability.BANDS)}"),
    "seen": Field("seen", "number", "steps of a GRPO run that sampled it"),
    "first_solved": Field("first_solved", "number", "first step with most of its answers right"),
    "reward_variance": Field("reward_variance", "number", "mean over the groups of a GRPO run"),
}
QUARANTINED = "quarantined"  # by a conversion
SHOWN = ("source", "question", "gold", "steps", "pass_rate", "answers", "band", "tag")
MEASURED = {
    "pass_rate": pl.Float64,
    "answers": pl.Int64,
    "band": pl.String,
    "seen": pl.Int64,
    "first_solved": pl.Int64,
    "reward_variance": pl.Float64,
}


class NotMeasured(UserError):
    """A run has no verdicts on problems."""


def problem_table(store: Store, sources: tuple[str, ...], run: str, grader: str) -> Table:
    """Every problem of `sources` once; empty: of all sources.

    run: a GRPO run, or a run with scores by `grader`, whose results are joined; "" for none
    """
    chosen, _ = queries.newest_of(store, sources)
    return Table(
        TABLES,
        "list_contains($page_ids::varchar[], problem_id)",
        {"sources": chosen, **_bound(measured(store, run, grader))},
        FIELDS,
        "source, id",
        {"example": "question", "prompt": "question"},
        {
            "held back by a person": "excluded is not distinct from 'by a person'",
            QUARANTINED: "excluded is not distinct from 'by conversion'",
            "of a test split": "split is distinct from 'train'",
        },
    )


def measured(store: Store, run: str, grader: str) -> pl.DataFrame:
    """problem_id and MEASURED: the results of `run` for each problem; unknown is null."""
    if not run:
        return pl.DataFrame(schema={"problem_id": pl.String, **MEASURED})
    state = runs.state(store, run)
    if state is None:
        raise NotMeasured(
            f"there is no run {run!r} with pass rates; `thinkbench doctor` lists the runs."
            " Name a GRPO run, an evaluation or an import."
        )
    if state["kind"] in WITH_ROLLOUTS:
        rows = learnability.problems(store, run).with_columns(
            answers="rollouts",  # unknown is not right, as in the rates of an evaluation
            pass_rate=pl.when(pl.col("known") > 0).then(pl.col("right") / pl.col("rollouts")),
        )
        return rows.select("problem_id", *(pl.col(n).cast(t) for n, t in MEASURED.items()))
    rule = grader_in(store, grader)
    rows = ask(
        store,
        """
        select
            problem_id, count(*) as answers,
            -- unknown is not right; a problem without any verdict has no rate
            if(count(correct) = 0, null, avg(coalesce(correct, false)::int)) as pass_rate
        from current_scores
        where run = $run and grader = $grader and grader_version = $version
        group by problem_id order by problem_id
        """,
        run=run,
        grader=rule.name,
        version=rule.version,
    )
    if rows.is_empty():
        raise NotMeasured(
            f"run {run!r} has no scores by {rule.name} {rule.version}. Grade it first: thinkbench"
            f" grade --run {run} --grader {rule.name}"
        )
    absent = [pl.lit(None, kind).alias(n) for n, kind in MEASURED.items() if n not in rows.columns]
    return rows.with_columns(absent).select("problem_id", *MEASURED)


def finished_run(store: Store, run: str, where: str) -> str:
    """The run whose results a filter reads: `run`, or the newest finished GRPO run; "" for none.

    NotMeasured where the run is not finished, as its results would still change, and where there
    is none but the filter names a field of MEASURED.
    """
    if not run:
        run = _newest_grpo(store)
        sql, _ = condition(where, FIELDS)  # which holds no text of the filter itself
        fields = [name for name in MEASURED if re.search(rf"\b{name}\b", sql)]
        if not run and fields:
            raise NotMeasured(
                f"the filter reads {', '.join(fields)}, and the store has no finished GRPO run;"
                " expected a run with results. Name an evaluation or an import: --run RUN"
            )
        return run
    state = runs.state(store, run)
    if state is not None and state["event"] != "done":
        how = "has not ended" if state["event"] == "started" else f"ended as {state['event']}"
        raise NotMeasured(
            f"run {run!r} {how}, so its pass rates may change; expected a finished run. Let it"
            " finish, or name another: --run RUN"
        )
    return run


def _newest_grpo(store: Store) -> str:
    rows = ask(
        store,
        """
        select run from (select distinct run from rollouts) join runs using (run)
        where kind = 'grpo' and event = 'done' order by started_at desc, run limit 1
        """,
    )
    return "" if rows.is_empty() else rows["run"][0]


def _bound(rows: pl.DataFrame) -> dict[str, Any]:
    """The parameters of TABLES for rows of `measured`."""
    return {
        "measured_ids": rows["problem_id"].to_list(),
        "pass_rates": rows["pass_rate"].to_list(),
        "answers": rows["answers"].to_list(),
        "bands": rows["band"].to_list(),
        "seen": rows["seen"].to_list(),
        "first_solved": rows["first_solved"].to_list(),
        "variances": rows["reward_variance"].to_list(),
    }
