"""Runs of the store: a list of them, and all that is recorded of one."""

import difflib
import json
from datetime import datetime
from typing import Any

from data.errors import UserError
from data.store import TABLES, Store, ask, parts_by_run, state as state_of, within

COLUMNS = "run, kind, stage, event as state, started_at, ended_at, parent"
# the last event of each run that is deleted
DELETED = """
select run, kind, stage, event, "at" as ended_at, parent, null::timestamptz as started_at
from run_events
qualify row_number() over (partition by run order by "at" desc) = 1 and event = 'deleted'
"""


def list_runs(
    store: Store, kind: str | None = None, deleted: bool = False, limit: int = 20
) -> dict[str, Any]:
    """The object of `thinkbench runs list`: the newest runs first, and how many there are.

    deleted: list the deleted ones instead
    """
    source = f"({DELETED})" if deleted else "runs"
    rows = ask(
        store,
        f"select {COLUMNS} from {source} where $kind is null or kind = $kind"
        " order by coalesce(started_at, ended_at) desc, run",
        kind=kind,
    )
    return {"runs": [_with_times(row) for row in rows.head(limit).to_dicts()], "n": rows.height}


def show_run(store: Store, run: str) -> dict[str, Any]:
    """The object of `thinkbench runs show`: what made the run, how it ended, what it left.

    rows:    table -> rows that the store has of the run
    used_by: runs whose parent it is
    """
    events = ask(store, 'select * from run_events where run = $run order by "at"', run=run)
    if events.is_empty():
        raise UserError(_no_such_run(store, run))
    last = events.row(-1, named=True)
    state = state_of(store, run)
    children = ask(store, "select run from runs where parent = $run order by run", run=run)
    return {
        **{name: last[name] for name in ("run", "kind", "stage", "seed", "code", "parent")},
        "state": "deleted" if state is None else state["event"],
        **{name: json.loads(last[name] or "null") for name in ("config", "inputs", "summary")},
        "events": [_with_times(event) for event in events.select("event", "at").to_dicts()],
        "rows": _rows(store, run),
        "used_by": children["run"].to_list(),
    }


def _rows(store: Store, run: str) -> dict[str, int]:
    of_run = within(store, [run])
    rows = {}
    for table in TABLES.keys() - {"runs"}:
        if run in parts_by_run(of_run, table):
            query = f"select count(*) from {table} where run = $run"
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
