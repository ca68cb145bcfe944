"""Questions about a conversion: what it kept, what it turned away, why, and the rows themselves.

Every function asks about one source under one converter (its version and rules). A frame's
docstring names its columns.
"""

from typing import Any

import polars as pl

from data.store import Store, ask


class NothingConverted(ValueError):
    """The store has no conversion of this source."""


def conversions(store: Store) -> pl.DataFrame:
    """source, converter, rows, at: every conversion, newest first."""
    return ask(
        store,
        """
        select c.source, c.converter, count(distinct c.record_id) as rows, max(r."at") as "at"
        from conversions c left join runs r using (run)
        group by c.source, c.converter
        order by "at" desc, c.source, c.converter
        """,
    )


def newest(store: Store, source: str) -> str:
    """The converter that `source` was converted with last."""
    found = conversions(store)
    mine = found.filter(pl.col("source") == source)
    if mine.is_empty():
        known = ", ".join(found["source"].unique(maintain_order=True)) or "none"
        raise NothingConverted(
            f"nothing of {source!r} is converted; the store has conversions of: {known}."
            f" Make one: thinkbench ingest {source} && thinkbench convert {source}"
        )
    return mine["converter"][0]


def outcomes(store: Store, source: str, converter: str) -> dict[str, int]:
    """read, converted, quarantined: every row counts once, so the last two add up to the first."""
    row = ask(
        store,
        """
        select
            count(distinct record_id) as read,
            count(distinct record_id) filter (outcome = 'example') as converted,
            count(distinct record_id) filter (outcome = 'quarantined') as quarantined
        from conversions
        where source = $source and converter = $converter
        """,
        source=source,
        converter=converter,
    ).row(0, named=True)
    return dict(row)


def reasons(store: Store, source: str, converter: str) -> pl.DataFrame:
    """reason, rows, share: why rows were quarantined, commonest first; share of all rows."""
    return ask(
        store,
        """
        select
            reason,
            count(distinct record_id) as rows,
            rows / (
                select count(distinct record_id) from conversions
                where source = $source and converter = $converter
            ) as share
        from conversions
        where source = $source and converter = $converter and outcome = 'quarantined'
        group by reason
        order by rows desc, reason
        """,
        source=source,
        converter=converter,
    )


def defects(store: Store, source: str, converter: str) -> pl.DataFrame:
    """phrase, severity, rows, kept: rows with each defect, and how many of them became examples."""
    return ask(
        store,
        """
        select
            defect.phrase as phrase,
            defect.severity as severity,
            count(distinct record_id) as rows,
            count(distinct record_id) filter (outcome = 'example') as kept
        from (
            select record_id, outcome, unnest(defects) as defect
            from conversions
            where source = $source and converter = $converter
        )
        group by all
        order by rows desc, phrase
        """,
        source=source,
        converter=converter,
    )


def dialects(store: Store, source: str, converter: str) -> pl.DataFrame:
    """dialect, pattern, rows, kept: markers found, commonest first; null where there were none."""
    return ask(
        store,
        """
        select
            dialect,
            pattern,
            count(distinct record_id) as rows,
            count(distinct record_id) filter (outcome = 'example') as kept
        from conversions
        where source = $source and converter = $converter
        group by all
        order by rows desc, dialect, pattern
        """,
        source=source,
        converter=converter,
    )


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
        from conversions c join records r using (record_id)
        where c.source = $source and c.converter = $converter
            and ($phrase is null or list_contains([d.phrase for d in c.defects], $phrase))
        qualify row_number() over (partition by c.record_id order by r.row_number) = 1
        order by r.row_number, c.record_id
        limit $size offset $skipped
        """,
        source=source,
        converter=converter,
        phrase=phrase,
        size=size,
        skipped=(page - 1) * size,
    )


def row(store: Store, record_id: str, converter: str) -> dict[str, Any]:
    """One record beside what it became.

    origin, row_number, shape, body, outcome, reason, defects; and prompt, reasoning, answer and
    rewrites, which are null where it was quarantined.
    """
    found = ask(
        store,
        """
        select
            r.origin, r.row_number, r.shape, r.body, c.outcome, c.reason, c.defects,
            e.prompt, e.reasoning, e.answer, e.rewrites
        from conversions c
        join records r using (record_id)
        left join examples e on e.record_id = c.record_id and e.converter = c.converter
        where c.record_id = $record and c.converter = $converter
        limit 1
        """,
        record=record_id,
        converter=converter,
    )
    assert found.height == 1, f"record {record_id} is not in the conversion {converter}"
    return found.row(0, named=True)


def summary(store: Store, source: str) -> dict[str, Any]:
    """The newest conversion of `source` as plain counts; see `thinkbench audit`."""
    converter = newest(store, source)
    why = reasons(store, source, converter)
    harm = defects(store, source, converter).group_by("phrase", maintain_order=True)
    found = dialects(store, source, converter)
    by_dialect = found.group_by("dialect", maintain_order=True).agg(pl.col("rows").sum())
    patterns = found.drop_nulls("pattern").group_by("pattern", maintain_order=True)
    return {
        "source": source,
        "converter": converter,
        **outcomes(store, source, converter),
        "by_reason": dict(why.select("reason", "rows").iter_rows()),
        "by_defect": dict(harm.agg(pl.col("rows").sum()).iter_rows()),
        "by_dialect": {name or "none": rows for name, rows in by_dialect.iter_rows()},
        "patterns": dict(patterns.agg(pl.col("rows").sum()).iter_rows()),
    }
