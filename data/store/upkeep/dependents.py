"""Problems of a deleted run that other runs answered: those keep question and reference answer."""

import hashlib

import polars as pl

from data.store import TABLES, Store, add, ask, within

# Answered problems of $run, by runs without an own row of them, of which no other run, or another
# run with another text, has a row: without $run they would have no reference answer, or another.
ONLY_HERE = """
with others as (
    select
        problem_id, count(distinct (question, gold)) as contents, any_value(question) as question,
        any_value(gold) as gold
    from problems
    where run <> $run and run not in (
        -- whose parts are about to leave
        select run from run_events group by run having arg_max(event, "at") = 'deleted'
    )
    group by problem_id
), answered as (
    select run, problem_id from generations union select run, problem_id from sampled_rollouts
)
select a.run, a.problem_id, a.run as source, t.split, t.question, t.gold, t.steps
from answered a
join problem_texts t using (problem_id)
left join others o using (problem_id)
where a.run <> $run
    and problem_id in (select problem_id from problems where run = $run)
    and (a.run, problem_id) not in (select (run, problem_id) from imported_problems)
    and (o.contents is distinct from 1 or o.question <> t.question or o.gold <> t.gold)
order by a.run, a.problem_id
"""


def keep_problems(store: Store, run: str) -> int:
    """Add the problems that only `run` has to the runs that answered them; the number of rows.

    They are stored as those of an import are, without a record. Each answer is then graded by the
    reference answer that it was graded by before.
    """
    if ask(within(store, [run]), "select 1 from problems where run = $r limit 1", r=run).is_empty():
        return 0
    rows = ask(store, ONLY_HERE, run=run)
    for (dependent,), part in rows.group_by("run", maintain_order=True):
        own = part.with_columns(record_id=pl.lit(None, pl.String))
        once = hashlib.sha256("\n".join(own["problem_id"]).encode()).hexdigest()
        add(store, "problems", own.select(TABLES["problems"].keys()), run=str(dependent), once=once)
    return rows.height
