"""Counts of the conversions of a source."""

from typing import Any

from data.store import Store, ask


def counts(store: Store, source: str, version: str) -> dict[str, Any]:
    """Counts of all records of `source`: read, converted, quarantined, by_dialect, ..."""
    one_each = """
        select outcome, dialect, pattern, list_distinct([d.phrase for d in defects]) as phrases
        from present_conversions
        where source = $source and converter = $version
    """

    def tally(column: str) -> dict[str, int]:
        query = f"""
            select {column} as what, count(*) as n from ({one_each})
            group by what order by n desc, what
        """
        return dict(ask(store, query, source=source, version=version).drop_nulls().iter_rows())

    outcomes = tally("outcome")
    return {
        "read": sum(outcomes.values()),
        "converted": outcomes.get("example", 0),
        "quarantined": outcomes.get("quarantined", 0),
        "by_dialect": tally("coalesce(dialect, 'none')"),
        "by_defect": tally("unnest(phrases)"),
        "patterns": tally("pattern"),
    }
