"""The problems of a split, and the texts that a model of this store was trained on."""

from collections.abc import Sequence

import polars as pl

from data.audit import queries
from data.errors import UserError
from data.store import Store, ask

# Of a record that was converted twice the newer problem counts, and what a person or the newest
# conversion quarantined does not.
PROBLEMS = """
select problem_id, record_id, source, question
from problems
left join (select run, started_at from runs) using (run)
left join (
    select record_id, any_value(outcome) as outcome from conversions
    where (source, converter) in (select unnest($sources), unnest($converters))
    group by record_id
) using (record_id)
left join rulings using (record_id)
where split = $split
    and ruling is distinct from 'quarantined'
    and (ruling = 'released' or outcome is distinct from 'quarantined')
qualify record_id is null or rank() over (partition by record_id order by started_at desc) = 1
"""


def problems_of(store: Store, source: str | None, split: str) -> pl.DataFrame:
    """problem_id, record_id, source, question: each problem of `split` once, by id."""
    found = _problems(store, split)
    chosen = found if source is None else found.filter(source=source)
    if chosen.is_empty():
        known = ", ".join(found["source"].unique().sort()) or "none"
        raise UserError(
            f"the store has no {split} problems{f' of {source!r}' if source else ''}; sources with"
            f" {split} problems: {known}. Name one of them, or ingest and convert problems first:"
            " thinkbench ingest samples-gsm8k && thinkbench convert samples-gsm8k"
        )
    return chosen.unique("problem_id", keep="first", maintain_order=True)


def trained_on(store: Store, sources: Sequence[str], split: str) -> tuple[pl.DataFrame, int]:
    """record_id, problem_id, source, text: prompts of examples, and questions of train problems.

    A problem whose record is an example is there once, as the example. problem_id is null of
    examples. The other value counts examples left out because their record is itself a problem of
    `split`.
    """
    named, converters = queries.newest_of(store, sources)
    every = ask(
        store,
        """
        select
            record_id, null::varchar as problem_id, source, any_value(prompt) as text,
            record_id in (
                select record_id from problems where split = $split and record_id is not null
            ) as of_split
        from examples
        where (source, converter) in (select unnest($sources), unnest($converters))
            and record_id not in (select record_id from rulings where ruling = 'quarantined')
        group by record_id, source
        order by source, record_id
        """,
        sources=named,
        converters=converters,
        split=split,
    )
    examples = every.filter(~pl.col("of_split")).drop("of_split")
    questions = pl.DataFrame(schema=examples.schema)
    if split != "train":
        of_sources = pl.col("source").is_in(named)
        questions = _problems(store, "train").filter(of_sources).rename({"question": "text"})
        # null joins nothing: a problem without a record stays
        questions = questions.join(examples, on="record_id", how="anti")
    found = pl.concat([examples, questions.select(examples.columns)])
    if found.is_empty():
        raise UserError(
            f"nothing of {', '.join(named) or 'this store'} is trained on but the {split} problems"
            " themselves. Name another source with --train, or ingest and convert one first:"
            " thinkbench ingest samples-stratos && thinkbench convert samples-stratos"
        )
    return found, every.height - examples.height


def _problems(store: Store, split: str) -> pl.DataFrame:
    named, converters = queries.newest_of(store, ())
    query = f"{PROBLEMS} order by problem_id, source, record_id"
    return ask(store, query, split=split, sources=named, converters=converters)
