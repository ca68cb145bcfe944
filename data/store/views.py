"""Views: the questions that many others start from. Each is stated once, here.

Any statement given to `ask` may name them. They are DuckDB views, made for the question that
names one, so they read what the store holds at that moment.
"""

import json
from functools import lru_cache

from data.store.database import database

VIEWS: dict[str, str] = {}

# A row is a run that is not deleted: its last event (columns of the table `runs`, which holds all
# events and is named `run_events` in a question), with started_at (of its last start) and
# ended_at (null while it runs).
# `at` is a word of DuckDB's own, so it is quoted.
VIEWS["runs"] = """
with history as (
    select
        *,
        last_value(event) over history as last_event,
        max("at") filter (event = 'started') over (partition by run) as started_at,
        if(event = 'started', null, "at") as ended_at
    from run_events
    -- of two events in one microsecond the start was first
    window history as (
        partition by run order by "at", event <> 'started'
        rows between unbounded preceding and unbounded following
    )
)
select * exclude (last_event) from history
where last_event <> 'deleted' and event not in ('deleted', 'restored')
qualify row_number() over (partition by run order by "at" desc, event = 'started') = 1
"""

# A row is a rollout that GRPO was trained on: the columns of the table `rollouts`, which is named
# `sampled_rollouts` in a question and holds the discarded tries of groups, too. Pass rates are of
# `sampled_rollouts`: without the discarded ones, those of hard and of easy problems are biased.
VIEWS["rollouts"] = """
select * from sampled_rollouts where discarded is not true
"""

# A row is a record at one row number: the columns of `records`. Only for reading bodies of many
# records: where a range of row numbers is asked for, no body outside of it is read.
VIEWS["records_by_row"] = """
select * from records
qualify row_number() over (partition by record_id, row_number order by run, origin) = 1
"""

# A row is a record: the columns of `records`. Two commands that ingest at once may store a record
# twice; here it is once, as the first run has it.
VIEWS["source_records"] = """
select * from records
qualify row_number() over (partition by record_id order by run, row_number, origin) = 1
"""

# A row is a run that converted records of a source: source, converter, run, started_at, ended_at
# (null where the store has lost the run).
VIEWS["conversion_runs"] = """
select source, converter, run, started_at, ended_at
from (select distinct source, converter, run from conversions)
left join (select run, started_at, ended_at from runs) using (run)
"""

# A row is a source that was converted: source, converter (the version and rules of the conversion
# that was started last), started_at (null where the store has lost the run).
VIEWS["newest_converters"] = """
select source, converter, max(started_at) as started_at
from conversion_runs
group by source, converter
qualify row_number() over (
    partition by source order by max(started_at) desc nulls last, converter
) = 1
"""

# A row is a record under a converter: the columns of `conversions`. Two commands that convert one
# source at once may store a record twice; here it is once.
VIEWS["record_conversions"] = """
select * from conversions
qualify row_number() over (partition by source, converter, record_id order by run) = 1
"""

# A row is a row of `record_conversions` whose record the store has: none of an ingestion that was
# deleted. It is what a conversion and an audit count.
VIEWS["present_conversions"] = """
select * from record_conversions where record_id in (select record_id from records)
"""

# A row is a record as the newest conversion of its source left it: the columns of `conversions`.
# A record that the newest conversion has not reached has no row.
VIEWS["current_conversions"] = """
select * from record_conversions
where (source, converter) in (select (source, converter) from newest_converters)
"""

# A row is an example under a converter: the columns of `examples`, once for each record.
VIEWS["record_examples"] = """
select * from examples
qualify row_number() over (partition by source, converter, record_id order by run) = 1
"""

# A row is an example as one tokenizer counts it: the columns of `tokens`, once for each record of a
# conversion and each tokenizer.
VIEWS["record_tokens"] = """
select * from tokens
qualify row_number() over (
    partition by source, converter, tokenizer, record_id order by run
) = 1
"""

# A row is an example that no person has quarantined, by the newest conversion of its source: the
# columns of `examples`. An example that a person released from quarantine is one of them. Those of
# other splits than train are included; training reads `trainable_examples`.
VIEWS["current_examples"] = """
select * from record_examples
where (source, converter) in (select (source, converter) from newest_converters)
    and record_id not in (select record_id from rulings where ruling = 'quarantined')
"""

# One row for each example that may be trained on, under each converter of its source: the columns
# of `examples`, and is_current (by the newest conversion of its source). Excludes all splits but
# train, records whose ingestion was deleted, so that their split is unknown, and what a person
# quarantined; includes what a person released.
VIEWS["trainable_examples"] = """
select
    *, (source, converter) in (select (source, converter) from newest_converters) as is_current
from record_examples
where record_id not in (select record_id from rulings where ruling = 'quarantined')
    and record_id in (select record_id from records where coalesce(split, 'train') = 'train')
"""

# A row is a problem of a record, or of an import (record_id is null) where no record has it: the
# columns of `problems`. An import stores its problems whether or not others have them.
VIEWS["stored_problems"] = """
select * from problems
where record_id is not null
    or problem_id not in (select problem_id from problems where record_id is not null)
"""

# A row is a row of `stored_problems`: its columns, and
#   excluded:   why it does not count: 'by a person' | 'by conversion' (the newest one quarantined
#               its record) | null
#   is_current: of a record that was converted several times, by the newest conversion
VIEWS["problem_rows"] = """
select
    p.*,
    case
        when ruling = 'quarantined' then 'by a person'
        when ruling is null and outcome = 'quarantined' then 'by conversion'
    end as excluded,
    record_id is null
        or rank() over (partition by record_id order by started_at desc nulls last) = 1
        as is_current
from stored_problems p
left join (select run, started_at from runs) using (run)
left join (select record_id, outcome from current_conversions) using (record_id)
left join (select record_id, ruling from rulings) using (record_id)
"""

# A row is a problem of a record or an import, by the newest conversion: the columns of
# `problem_rows` without is_current.
VIEWS["problem_records"] = """
select * exclude (is_current) from problem_rows where is_current
"""

# A row is a problem that counts, once for each source and split: the columns of `problems`.
VIEWS["current_problems"] = """
select * exclude (excluded) from problem_records
where excluded is null
qualify row_number() over (
    partition by source, split, problem_id order by record_id, run
) = 1
"""

# A row is a problem_id, for reading its texts, whether or not the problem still counts:
# problem_id, record_id, source, split, question, gold, steps.
# All columns are of one row, the first by source, record and run, of a record before an import's,
# so that a question never stands beside another's gold; but `split` is 'test' wherever any row of
# the problem is of a test split, else 'validation' wherever one is of a validation split. Rows of
# imports count only where no record has the problem.
VIEWS["problem_texts"] = """
select
    problem_id, record_id, source,
    case
        when bool_or(split = 'test') over (partition by problem_id) then 'test'
        when bool_or(split = 'validation') over (partition by problem_id) then 'validation'
        else split
    end as split,
    question, gold, steps
from stored_problems
qualify row_number() over (partition by problem_id order by source, record_id, run) = 1
"""

# A row is a problem that an import brought, or that a run kept when another was deleted: run,
# problem_id, question, gold. Where two imports gave one id to two problems, each has its own.
VIEWS["imported_problems"] = """
select run, problem_id, question, gold from problems where record_id is null
qualify row_number() over (partition by run, problem_id order by source, question, gold) = 1
"""

# A row is a generation with the problem that it answers: the columns of `generations`, question,
# gold. They are those of its own run where that has the problem in `imported_problems`, else those
# of `problem_texts`; null where the store has no such problem.
VIEWS["answered_generations"] = """
select
    g.*, coalesce(i.question, t.question) as question, coalesce(i.gold, t.gold) as gold
from generations g
left join imported_problems i on i.run = g.run and i.problem_id = g.problem_id
left join problem_texts t on t.problem_id = g.problem_id
"""

# A row is a problem that a run has scores of: run, problem_id, source, split, steps, question,
# gold. The last two are as in `answered_generations`, the rest is of `problem_texts`.
VIEWS["answered_problems"] = """
select
    s.run, s.problem_id, t.source, t.split, t.steps,
    coalesce(i.question, t.question) as question, coalesce(i.gold, t.gold) as gold
from (select distinct run, problem_id from scores) s
left join imported_problems i on i.run = s.run and i.problem_id = s.problem_id
left join problem_texts t on t.problem_id = s.problem_id
"""

# A row is a generation under one version of a grader: the columns of `scores`, where `correct` and
# `partial` are a person's verdict if there is an override, and graded_correct (the grader's own
# verdict), overridden. Two commands that grade one run at once may store a score twice; here it is
# once. (Sorting out the few repeated rows by hash takes 0.4 s less over a million scores than a
# window over all of them.) A person who says `right` says `partial` too.
VIEWS["current_scores"] = """
with repeated as materialized (
    select hash(generation_id, grader, grader_version) as hashed from scores
    group by hashed having count(*) > 1
), each_score as (
    select * from scores
    where hash(generation_id, grader, grader_version) not in (select hashed from repeated)
    union all
    select distinct on (generation_id, grader, grader_version) * from scores
    where hash(generation_id, grader, grader_version) in (select hashed from repeated)
)
select
    s.* replace (
        case o.verdict
            when 'right' then true when 'wrong' then false when 'unknown' then null
            else s.correct
        end as correct,
        case o.verdict when 'right' then true when 'unknown' then null else s.partial end
            as partial
    ),
    s.correct as graded_correct,
    o.verdict is not null as overridden
from each_score s
left join (select generation_id, grader, verdict from overrides) o using (generation_id, grader)
"""

# A row is a reply of a judge, once for each request: the columns of `judge_replies`. Two processes
# that ask at once may store a reply twice.
VIEWS["replies"] = """
select * from judge_replies
qualify row_number() over (partition by request order by "at", run) = 1
"""

# A row is a generation under one version of a judge: the columns of `judgements`, correct and
# reason (of its score, without overrides), model, seed, mark, reply, finish, prompt_tokens,
# completion_tokens, cost (all null where nothing was asked, as the completion is too long).
VIEWS["judged_generations"] = """
with each as (
    select * from judgements
    qualify row_number() over (
        partition by generation_id, grader, grader_version order by request
    ) = 1
)
select
    each.*, s.graded_correct as correct, s.reason,
    r.model, r.seed, r.mark, r.reply, r.finish, r.prompt_tokens, r.completion_tokens, r.cost
from each
left join (
    select generation_id, grader, grader_version, graded_correct, reason from current_scores
) s using (generation_id, grader, grader_version)
left join replies r using (request)
"""


@lru_cache(maxsize=4096)
def names_in(statement: str) -> frozenset[str]:
    """The tables and views that `statement` reads, as DuckDB's parser has them.

    Names of its own common table expressions are among them. Empty where it does not parse: then
    the question itself is refused, with DuckDB's words.
    """
    with database().cursor() as parser:
        query = "select json_serialize_sql($statement::varchar)"
        [(tree,)] = parser.execute(query, {"statement": statement}).fetchall()
    return frozenset(name.lower() for name in _base_tables(json.loads(tree)))


def _base_tables(node: object) -> set[str]:
    if isinstance(node, list):
        return set().union(*(_base_tables(child) for child in node))
    if not isinstance(node, dict):
        return set()
    named = {node["table_name"]} if node.get("type") == "BASE_TABLE" else set()
    return named.union(*(_base_tables(child) for child in node.values()))


@lru_cache(maxsize=4096)
def in_order(names: frozenset[str]) -> tuple[str, ...]:
    """`names`, and what the views among them read; each view after all that it reads."""
    ordered: dict[str, None] = {}

    def add(name: str) -> None:
        if name not in ordered:
            for read in sorted(names_in(VIEWS[name])) if name in VIEWS else ():
                add(read)
            ordered[name] = None

    for name in sorted(names):
        add(name)
    return tuple(ordered)
