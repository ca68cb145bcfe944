"""Counts of a conversion: how many rows became examples, how many were quarantined, and why.

Most functions are about one source under one converter (its version and rules). The docstring of
a function that returns a frame names its columns.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import polars as pl

from data.errors import UserError
from data.store import Store, ask


def conversions(store: Store) -> pl.DataFrame:
    """source, converter, rows, at: every conversion, newest first."""
    return ask(
        store,
        """
        select source, converter, rows, "at"
        from (
            select source, converter, count(*) as rows from present_conversions group by all
        ) join (
            select
                source, converter, max(started_at) as started,
                max(coalesce(ended_at, started_at)) as "at"
            from conversion_runs group by all
        ) using (source, converter)
        order by started desc nulls last, source, converter
        """,
    )


def newest(store: Store, source: str) -> str:
    """The converter that `source` was converted with last."""
    return newest_of(store, [source])[1][0]


def newest_of(store: Store, sources: Sequence[str] = ()) -> tuple[list[str], list[str]]:
    """`sources` (all where none is named), and the converter of the newest conversion of each."""
    query = "from newest_converters order by started_at desc nulls last, source"
    converters = dict(ask(store, query).select("source", "converter").iter_rows())
    for source in sources:
        if source not in converters:
            raise UserError(
                f"nothing of {source!r} is converted; the store has conversions of:"
                f" {', '.join(converters) or 'none'}. Make one: thinkbench ingest {source}"
                f" && thinkbench convert {source}"
            )
    chosen = list(dict.fromkeys(sources)) or list(converters)
    return chosen, [converters[source] for source in chosen]


def converters_at(store: Store, at: datetime) -> dict[str, str]:
    """Source -> the converter that was the newest at this time; no source converted only later."""
    rows = ask(
        store,
        """
        select source, converter
        from conversion_runs join run_events using (run)
        where event = 'started' and "at" <= $at
        group by source, converter
        qualify row_number() over (partition by source order by max("at") desc, converter) = 1
        """,
        at=at,
    )
    return dict(rows.iter_rows())


def outcomes(store: Store, source: str, converter: str) -> dict[str, int]:
    """The number of rows by outcome; each row counts once.

    read:        converted + quarantined, by the converter; none of a deleted ingestion
    held_back:   converted, and quarantined by a person
    released:    quarantined by the converter, and released by a person
    other_split: of these, of a test or validation split
    to_train_on: converted - held_back + released - other_split
    """
    row = ask(
        store,
        """
        with rows as (
            select
                outcome,
                outcome = 'example' and ruling is not distinct from 'quarantined' as is_held_back,
                outcome = 'quarantined' and ruling is not distinct from 'released'
                    and record_id in (
                        select record_id from record_examples
                        where source = $source and converter = $converter
                    ) as is_released,
                record_id in (
                    select record_id from records where coalesce(split, 'train') = 'train'
                ) as of_train
            from present_conversions left join rulings using (record_id)
            where source = $source and converter = $converter
        )
        select
            count(*) as read,
            count(*) filter (outcome = 'example') as converted,
            count(*) filter (outcome = 'quarantined') as quarantined,
            count(*) filter (is_held_back) as held_back,
            count(*) filter (is_released) as released,
            count(*) filter (
                not of_train and (is_released or outcome = 'example' and not is_held_back)
            ) as other_split,
            converted - held_back + released - other_split as to_train_on
        from rows
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
            count(*) as rows,
            rows / (
                select count(*) from present_conversions
                where source = $source and converter = $converter
            ) as share
        from present_conversions
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
            from present_conversions
            where source = $source and converter = $converter
        )
        group by all
        order by rows desc, phrase
        """,
        source=source,
        converter=converter,
    )


def dialects(store: Store, source: str, converter: str) -> pl.DataFrame:
    """dialect, pattern, rows, kept: markers found, commonest first; null without markers."""
    return ask(
        store,
        """
        select
            dialect,
            pattern,
            count(*) as rows,
            count(*) filter (outcome = 'example') as kept
        from present_conversions
        where source = $source and converter = $converter
        group by all
        order by rows desc, dialect, pattern
        """,
        source=source,
        converter=converter,
    )


def sources(store: Store) -> list[dict[str, Any]]:
    """The newest conversion of each source: source, converter, and the counts of `outcomes`."""
    return [
        {"source": source, "converter": version, **outcomes(store, source, version)}
        for source, version in sorted(zip(*newest_of(store), strict=True))
    ]


def defects_by_source(store: Store) -> pl.DataFrame:
    """phrase, severity, source, rows, share: in the newest conversion of each source.

    share: of all rows of that source
    """
    frames = [
        defects(store, one["source"], one["converter"]).select(
            "phrase",
            "severity",
            pl.lit(one["source"]).alias("source"),
            "rows",
            (pl.col("rows") / one["read"]).alias("share"),
        )
        for one in sources(store)
    ]
    columns = {"phrase": pl.String, "severity": pl.String, "source": pl.String}
    empty = pl.DataFrame(schema=columns | {"rows": pl.Int64, "share": pl.Float64})
    return pl.concat([empty, *frames], how="vertical_relaxed").sort(
        "rows", "phrase", "source", descending=[True, False, False]
    )


def summary(store: Store, source: str) -> dict[str, Any]:
    """The newest conversion of `source` as plain counts; see `thinkbench audit`."""
    converter = newest(store, source)
    by_reason = reasons(store, source, converter)
    by_defect = defects(store, source, converter).group_by("phrase", maintain_order=True)
    markers = dialects(store, source, converter)
    by_dialect = markers.group_by("dialect", maintain_order=True).agg(pl.col("rows").sum())
    patterns = markers.drop_nulls("pattern").group_by("pattern", maintain_order=True)
    return {
        "source": source,
        "converter": converter,
        **outcomes(store, source, converter),
        "by_reason": dict(by_reason.select("reason", "rows").iter_rows()),
        "by_defect": dict(by_defect.agg(pl.col("rows").sum()).iter_rows()),
        "by_dialect": {name or "none": rows for name, rows in by_dialect.iter_rows()},
        "patterns": dict(patterns.agg(pl.col("rows").sum()).iter_rows()),
    }
