"""A snapshot of an index: each generation as small codes, which facets count quickly."""

from dataclasses import dataclass, field

import duckdb
import polars as pl

from evals.failures import ONLY_LENIENT
from evals.scores import FIRST_STAGES
from workbench.app.browse.filter import CATEGORY_VALUES, FIXED, LENGTHS, NO_ERROR, UNKNOWN

# `base` and `problems` are filled by index.py
SCHEMA = """
create table base (
    position bigint, run smallint, stage varchar, problem_id varchar, sample integer,
    generation_id varchar, correct tinyint, format tinyint, extracted varchar, tokens integer,
    finish tinyint, category uinteger
);
create table problems (
    problem_id varchar, question varchar, gold varchar, steps varchar, source varchar
);
create table own_problems (run varchar, problem_id varchar, question varchar, gold varchar);
"""
NO_TAGS = pl.DataFrame(schema={"position": pl.Int64, "tag": pl.Int32})


class Use:
    """While any snapshot refers to it, the table that they share is not dropped."""


@dataclass(frozen=True)
class Snapshot:
    """The rows that facets count, and what their codes stand for.

    generations: the name of a table: position, run, stage, correct, format, finish, length, steps,
    difficulty, source, category; one row each.   tagged: position, tag; a row for each tag of each
    """

    generations: str
    tagged: pl.DataFrame = field(repr=False)
    values: dict[str, list[str]]  # facet -> its values in the order of their codes
    use: Use = field(default_factory=Use, repr=False, compare=False)


def with_codes(
    cursor: duckdb.DuckDBPyConnection, table: str, corrections: pl.DataFrame, runs: list[str]
) -> Snapshot:
    """A snapshot without tags, of the rows of `base`, in a new table.

    corrections: generation_id, verdict, from people   runs: in the order of their numbers
    """
    values = _values(cursor, runs)
    for name in ("stage", "steps", "source"):
        codes = {"name": values[name], "code": list(range(len(values[name])))}
        schema = {"name": pl.String, "code": pl.Int32}
        cursor.register(f"code_of_{name}", pl.DataFrame(codes, schema=schema))
    cursor.register("corrections", corrections)
    bound = {
        "unknown": UNKNOWN,
        "no_error": 1 << CATEGORY_VALUES.index(NO_ERROR),
        "only_lenient": 1 << CATEGORY_VALUES.index(ONLY_LENIENT),
    }
    cursor.execute(f"create table {table} as {CODED}", bound)
    return Snapshot(table, NO_TAGS, values)


# A row that is correct has no errors; that its format is wrong stays, as in evals/failures.
BANDS = " ".join(f"when tokens < {edge} then {code}" for code, edge in enumerate(LENGTHS))
CODED = f"""
with graded as (
    select b.*, case v.verdict
        when 'right' then 1 when 'wrong' then 0 when 'unknown' then 2 else b.correct
    end as verdict
    from base b left join corrections v using (generation_id)
), rates as (
    -- unknown is not correct; a problem without any verdict has no rate
    select problem_id, if(bool_and(verdict = 2), null, avg((verdict = 1)::int)) as rate
    from graded group by problem_id
), kinds as (
    select
        r.problem_id, s.code as steps, o.code as source,
        case when rate = 0 then 0 when rate <= 0.5 then 1 when rate < 1 then 2
            when rate = 1 then 3 else 4 end as difficulty
    from rates r left join problems p using (problem_id)
    join code_of_steps s on s.name = coalesce(p.steps, $unknown)
    join code_of_source o on o.name = coalesce(p.source, $unknown)
)
select
    position, run, t.code::smallint as stage, verdict::tinyint as correct, format, finish,
    (case when tokens is null then {len(LENGTHS) + 1} {BANDS} else {len(LENGTHS)} end)::tinyint
        as length,
    k.steps::smallint as steps, k.difficulty::tinyint as difficulty,
    k.source::smallint as source, case
        when verdict <> 1 then category
        when (category & $only_lenient) <> 0 then $only_lenient
        else $no_error
    end::uinteger as category
from graded join kinds k using (problem_id)
join code_of_stage t on t.name = coalesce(graded.stage, $unknown)
"""


def _values(cursor: duckdb.DuckDBPyConnection, runs: list[str]) -> dict[str, list[str]]:
    """Facet -> its values in the order of their codes, for every facet but tag."""

    def distinct(query: str) -> set[str]:
        return {value for (value,) in cursor.execute(query).fetchall() if value is not None}

    stages = distinct("select distinct stage from base")
    steps = distinct("select distinct steps from problems")
    sources = distinct("select distinct source from problems")
    first = [stage for stage in FIRST_STAGES if stage in stages]
    return {
        **{name: list(values) for name, values in FIXED.items()},
        "stage": [*first, *sorted(stages - {*first, UNKNOWN}), UNKNOWN],
        "run": runs,
        "steps": [*sorted(steps, key=int), UNKNOWN],
        "source": [*sorted(sources - {UNKNOWN}), UNKNOWN],
    }
