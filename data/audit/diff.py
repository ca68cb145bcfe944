"""The difference between two conversions of one source: which rows changed, and how."""

from typing import Any

import polars as pl

from data.errors import UserError
from data.store import Store, ask

# The first of these that applies is the change of a row.
CHANGES = (
    "only in the first",
    "only in the second",
    "quarantined, now an example",
    "an example, now quarantined",
    "another reason",
    "another reasoning",
    "another answer",
    "another prompt",
    "other defects",
)


def changed_rows(store: Store, source: str, first: str, second: str) -> pl.DataFrame:
    """The rows that differ, in order: record_id, origin, row_number, change, and both reasons.

    first, second: converters (version and rules) that `source` was converted with
    """
    for converter in (first, second):
        _require(store, source, converter)
    changed = ask(
        store,
        """
        with rows_of as (
            select
                c.record_id, c.converter, c.outcome, c.reason, e.prompt, e.reasoning, e.answer,
                list_sort([(d.phrase, d.field, d.start, d.end) for d in c.defects]) as defects
            from record_conversions c
            left join record_examples e  -- not those that a person released: no converter made them
                on e.record_id = c.record_id and e.converter = c.converter
                and c.outcome = 'example'
            where c.source = $source and c.converter in ($first, $second)
        )
        select
            coalesce(a.record_id, b.record_id) as record_id,
            case
                when b.record_id is null then 0
                when a.record_id is null then 1
                when a.outcome <> 'example' and b.outcome = 'example' then 2
                when a.outcome = 'example' and b.outcome <> 'example' then 3
                when a.reason is distinct from b.reason then 4
                when a.reasoning is distinct from b.reasoning then 5
                when a.answer is distinct from b.answer then 6
                when a.prompt is distinct from b.prompt then 7
                when a.defects is distinct from b.defects then 8
            end as change,
            a.reason as first_reason,
            b.reason as second_reason
        from (from rows_of where converter = $first) a
        full join (from rows_of where converter = $second) b using (record_id)
        where change is not null
        """,
        source=source,
        first=first,
        second=second,
    )
    positions = ask(
        store,
        """
        select record_id, origin, row_number from source_records where source = $source
        """,
        source=source,
    )
    names = dict(enumerate(CHANGES))
    return (
        changed.join(positions, on="record_id", how="left")
        .with_columns(pl.col("change").replace_strict(names, return_dtype=pl.String))
        .select("record_id", "origin", "row_number", "change", "first_reason", "second_reason")
        .sort("origin", "row_number", "record_id")
    )


def summary(store: Store, source: str, first: str, second: str) -> dict[str, Any]:
    """How many rows changed, by what changed, and the rows themselves."""
    rows = changed_rows(store, source, first, second)
    by_change = rows.group_by("change").len().sort("len", descending=True)
    return {
        "source": source,
        "first": first,
        "second": second,
        "changed": rows.height,
        "by_change": dict(by_change.iter_rows()),
        "rows": rows.to_dicts(),
    }


def _require(store: Store, source: str, converter: str) -> None:
    converters = ask(
        store,
        "select distinct converter from conversion_runs where source = $source order by converter",
        source=source,
    )["converter"].to_list()
    if converter not in converters:
        raise UserError(
            f"{source!r} was never converted by {converter!r}; expected one of:"
            f" {', '.join(converters) or 'none yet'}"
        )
