"""Single rows of a conversion: the rows with a defect, one row in full, and its neighbours."""

from typing import Any

import polars as pl

from data.store import Store, ask


def rows_with(
    store: Store, source: str, converter: str, phrase: str | None, page: int, size: int
) -> pl.DataFrame:
    """row_number, record_id, outcome, reason, phrases: one page, counted from 1, in file order.

    phrase: only rows with this defect; None: all rows
    """
    return ask(
        store,
        """
        select
            r.row_number,
            c.record_id,
            c.outcome,
            c.reason,
            list_distinct([defect.phrase for defect in c.defects]) as phrases
        from record_conversions c join source_records r using (record_id)
        where c.source = $source and c.converter = $converter
            and ($phrase is null or list_contains([d.phrase for d in c.defects], $phrase))
        order by r.row_number, c.record_id
        limit $size offset $skipped
        """,
        source=source,
        converter=converter,
        phrase=phrase,
        size=size,
        skipped=(page - 1) * size,
    )


def neighbours(
    store: Store, source: str, converter: str, phrase: str | None, record_id: str
) -> dict[str, Any]:
    """place, of, previous, next: the position of a row among those with a defect, from 1.

    All None where it is not one of them; previous and next are record ids, None at the ends.
    """
    neighbour = ask(
        store,
        """
        with matching as (
            select c.record_id, r.row_number
            from record_conversions c join source_records r using (record_id)
            where c.source = $source and c.converter = $converter
                and ($phrase is null or list_contains([d.phrase for d in c.defects], $phrase))
        ), placed as (
            select
                record_id,
                row_number() over in_file as place,
                count(*) over () as "of",
                lag(record_id) over in_file as previous,
                lead(record_id) over in_file as next
            from matching
            window in_file as (order by row_number, record_id)
        )
        select place, "of", previous, next from placed where record_id = $record
        """,
        source=source,
        converter=converter,
        phrase=phrase,
        record=record_id,
    )
    if neighbour.is_empty():
        return dict.fromkeys(("place", "of", "previous", "next"))
    return neighbour.row(0, named=True)


def row(store: Store, record_id: str, converter: str) -> dict[str, Any]:
    """One record and its conversion.

    source, origin, row_number, shape, body, outcome, reason, defects; prompt, reasoning, answer,
    their spans and rewrites, which are null without an example; and a person's ruling with its
    author, time and reason, null without one.
    """
    rows = ask(
        store,
        """
        select
            r.source, r.origin, r.row_number, r.shape, r.body, c.outcome, c.reason, c.defects,
            e.prompt, e.reasoning, e.answer, e.rewrites,
            e.reasoning_start, e.reasoning_end, e.answer_start, e.answer_end,
            u.ruling, u.author as ruled_by, u."at" as ruled_at, u.reason as ruled_because
        from (
            from record_conversions where record_id = $record and converter = $converter
        ) c
        join (from source_records where record_id = $record) r using (record_id)
        left join (
            from record_examples where record_id = $record and converter = $converter
        ) e using (record_id)
        left join rulings u using (record_id)
        """,
        record=record_id,
        converter=converter,
    )
    assert rows.height == 1, f"record {record_id} is not in the conversion {converter}"
    return rows.row(0, named=True)
