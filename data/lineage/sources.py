"""From a source or a record back to its conversion and to the files and hubs it was read from."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from data.lineage.step import DEEPEST, UNKNOWN, Step, moment
from data.store import Store, ask
from data.subsets import UNKNOWN_CONVERTER

# run, at: runs that had begun by $at (all of them where it is null), and when they last began or
# ended by then. A run whose events are lost is one of them, with a null.
_RUNS_BY_THEN = """
    select run, max(e."at") as "at"
    from (select distinct run from records union select distinct run from conversions)
    left join (select run, "at" from run_events where $at is null or "at" <= $at) e using (run)
    where e."at" is not null or run not in (select run from run_events)
    group by run
"""


def of_source(
    store: Store,
    source: str,
    converter: str | None = None,
    note: str = "",
    at: datetime | None = None,
) -> list[Step]:
    """How a source was converted and ingested.

    converter: None for the newest
    note: how the converter is known, where the run or the version does not name it
    at: what began later is left out; None for all there is
    """
    if note == UNKNOWN_CONVERTER:  # there was none by then
        at = None
    return [*_conversion(store, source, converter, note, at), _source(store, source, at)]


def _conversion(
    store: Store, source: str, converter: str | None, note: str, at: datetime | None
) -> list[Step]:
    """The conversion of a source by a converter; none where the store has none."""
    rows = ask(
        store,
        f"""
        with of_converter as (
            select converter from newest_converters
            where source = $source and $converter is null
            union all select $converter where $converter is not null
        ), converting as ({_RUNS_BY_THEN}), counts as (
            select
                converter, count(*) as records,
                count(*) filter (outcome = 'example') as converted,
                count(*) filter (outcome = 'quarantined') as quarantined
            from record_conversions
            where source = $source and converter in (from of_converter)
                and run in (select run from converting)
            group by converter
        ), last as (
            select converter, run, "at" from conversion_runs join converting using (run)
            where source = $source
            qualify row_number() over (
                partition by converter order by "at" desc nulls last, run
            ) = 1
        )
        from counts join last using (converter)
        """,
        source=source,
        converter=converter,
        at=at,
    )
    if rows.is_empty():
        return []
    row = rows.row(0, named=True)
    rules = row["converter"].split("+")[1:]
    facts = {"version and rules": row["converter"], "repairs": rules or "none"}
    facts |= {"converter": note} if note else {}
    facts |= {name: row[name] for name in ("records", "converted", "quarantined", "run")}
    facts["at"] = row["at"] and moment(row["at"])
    return [Step("conversion", source, facts)]


def _source(store: Store, source: str, at: datetime | None) -> Step:
    """The files or hubs that a source was read from, by its ingestions in the order of time."""
    ingestions = ask(
        store,
        f"""
        with ingesting as ({_RUNS_BY_THEN})
        select run, config, "at", count(*) as records, list(distinct origin) as origins
        from source_records join ingesting using (run)
        left join (select run, config from runs) using (run)
        where source = $source
        group by all order by "at" nulls first, run
        """,
        source=source,
        at=at,
    )
    configs = [json.loads(config) for config in ingestions["config"].drop_nulls()]
    last = ingestions["at"].drop_nulls()
    origins = sorted({origin or UNKNOWN for row in ingestions["origins"] for origin in row})
    facts = {
        "origin": origins[:DEEPEST] or [UNKNOWN],
        "revision": _one_or_all(config.get("revision") for config in configs),
        "licence": _one_or_all(config.get("licence") for config in configs),
        "records": ingestions["records"].sum(),
        "runs": ingestions["run"].to_list(),
        "at": moment(last[-1]) if len(last) else None,
    }
    return Step("source", source, facts)


def _one_or_all(values: Iterable[str | None]) -> str | list[str]:
    """The value that all have, or every different one in order; unknown where there is none."""
    different = list(dict.fromkeys(value or UNKNOWN for value in values)) or [UNKNOWN]
    return different[0] if len(different) == 1 else different


def of_record(store: Store, record: dict[str, Any]) -> list[Step]:
    """A record, its conversions, and the subsets that hold it.

    record: of data.audit.quarantine.find
    """
    record_id = record["record_id"]
    shown = ("source", "split", "origin", "row_number")
    steps = [Step("record", record_id, {name: record[name] for name in shown})]
    conversions = ask(
        store,
        """
        select converter, outcome, reason, list_distinct([d.phrase for d in defects]) as defects
        from record_conversions where record_id = $id order by converter
        """,
        id=record_id,
    )
    steps += [
        Step("conversion", row.pop("converter"), row) for row in conversions.iter_rows(named=True)
    ]
    subsets = ask(
        store,
        """
        select name || '@' || version as label, n from subsets
        where list_contains(ids, $id) order by "at"
        """,
        id=record_id,
    )
    steps += [Step("subset", label, {"n": n}) for label, n in subsets.iter_rows()]
    return [*steps, *of_source(store, record["source"])[-1:]]
