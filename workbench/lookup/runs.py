"""Runs of the store: a list of them, and all that is recorded of one."""

import difflib
import json
from datetime import datetime
from typing import Any

from data.errors import UserError
from data.lineage import converters_read
from data.store import TABLES, Store, ask, parts_by_run, state as state_of, within
from data.subsets import converters_of, subsets

SAMPLED = "sampled_rollouts"  # in a question: with the tries that were not trained on
OF_A_SOURCE = ("ingest", "convert")  # kinds of runs whose rows are those of a source
COLUMNS = """
run, kind, stage, event as state, started_at, ended_at, parent,
try_cast(summary ->> '$.train_problems' as bigint) as train_problems
"""
# the last event of each run that is deleted
DELETED = """
select
    run, kind, stage, event, "at" as ended_at, parent, summary, null::timestamptz as started_at
from run_events
qualify row_number() over (partition by run order by "at" desc) = 1 and event = 'deleted'
"""


def list_runs(
    store: Store, kind: str | None = None, deleted: bool = False, limit: int = 20
) -> dict[str, Any]:
    """The object of `thinkbench runs list`: runs, the newest first; how many; all kinds there are.

    deleted: list the deleted ones instead
    train_problems: that an import had answered when it was made; null elsewhere
    """
    source = f"({DELETED})" if deleted else "runs"
    rows = ask(
        store,
        f"select {COLUMNS} from {source} where $kind is null or kind = $kind"
        " order by coalesce(started_at, ended_at) desc, run",
        kind=kind,
    )
    kinds = ask(store, f"select distinct kind from {source} order by kind")["kind"].to_list()
    listed = [_with_times(row) for row in rows.head(limit).to_dicts()]
    return {"runs": listed, "n": rows.height, "kinds": kinds}


def show_run(store: Store, run: str) -> dict[str, Any]:
    """The object of `thinkbench runs show`: what made the run, how it ended, what it left.

    rows:    table -> rows that the store has of the run
    used_by: runs whose parent it is, or which trained on its rows
    subsets: versions that were chosen from rows that it ingested or converted
    """
    events = ask(store, 'select * from run_events where run = $run order by "at"', run=run)
    if events.is_empty():
        raise UserError(_no_such_run(store, run))
    last = events.row(-1, named=True)
    state = state_of(store, run)
    rows_of = _converters(store, run) if last["kind"] in OF_A_SOURCE else {}
    chosen = _subsets_of(store, rows_of) if rows_of else []
    return {
        **{name: last[name] for name in ("run", "kind", "stage", "seed", "code", "parent")},
        "state": "deleted" if state is None else state["event"],
        **{name: json.loads(last[name] or "null") for name in ("config", "inputs", "summary")},
        "events": [_with_times(event) for event in events.select("event", "at").to_dicts()],
        "rows": _rows(store, run),
        "used_by": _used_by(store, run, rows_of, chosen),
        "subsets": chosen,
    }


def _converters(store: Store, run: str) -> dict[str, set[str]]:
    """Source -> the converters of it that read what the run has written."""
    pairs = ask(
        store,
        "select distinct source, converter from conversions where run = $run or source in"
        " (select distinct source from records where run = $run)",
        run=run,
    )
    return {
        source: set(converters["converter"])
        for (source,), converters in pairs.group_by("source", maintain_order=True)
    }


def _used_by(store: Store, run: str, rows_of: dict[str, set[str]], chosen: list[str]) -> list[str]:
    """Runs that evaluated or went on from `run`, or trained on its rows or a subset of them."""
    names = []
    runs = ask(store, "select run, parent, inputs from runs order by run")
    for name, parent, text in runs.iter_rows():
        inputs = json.loads(text or "{}")
        subset = str(inputs.get("subset", "")).rpartition(" ")[0]
        if parent == run or subset in chosen or _reads(converters_read(inputs), rows_of):
            names.append(name)
    return names


def _subsets_of(store: Store, rows_of: dict[str, set[str]]) -> list[str]:
    return [
        version.label
        for version in subsets(store)
        if _reads({name: one for name, (one, _) in converters_of(store, version).items()}, rows_of)
    ]


def _reads(converters: dict[str, str], rows_of: dict[str, set[str]]) -> bool:
    """Whether one of the conversions (source -> converter) is among those of `rows_of`."""
    return any(name in rows_of.get(source, ()) for source, name in converters.items())


def _rows(store: Store, run: str) -> dict[str, int]:
    of_run = within(store, [run])
    rows = {}
    for table in TABLES.keys() - {"runs"}:
        if run in parts_by_run(of_run, table):
            name = SAMPLED if table == "rollouts" else table
            query = f"select count(*) from {name} where run = $run"
            rows[table] = ask(of_run, query, run=run).item()
    return dict(sorted(rows.items()))


def _no_such_run(store: Store, run: str) -> str:
    names = ask(store, "select run from runs order by started_at desc")["run"].to_list()
    nearest = difflib.get_close_matches(run, names, n=3) or names[:3]
    return (
        f"there is no run {run!r}; the store has, among {len(names)}:"
        f" {', '.join(nearest) or 'none'}. List them: thinkbench runs list"
    )


def _with_times(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
    }
