"""Names of runs as people read them: what people call a run, and what it is."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from data.store import Store, ask
from workbench.formatting import counted

# kind of a run -> the count of its summary that says how large it was, and what it counts
SIZES = {
    "eval": ("problems", "problem"),
    "sft": ("examples", "example"),
    "grpo": ("problems", "problem"),
    "import": ("imported", "generation"),
    "ingest": ("read", "row"),
    "convert": ("example", "example"),
}
HASH = 6  # characters of the hash in a name


def run_name(facts: Mapping[str, Any]) -> str:
    """`sft · 26 Nov 18:04 · tiny · 500 examples · 6b6667`, in UTC.

    What is not recorded is left out, as the preset of an old run.

    facts: run, kind, stage, started_at, summary (a mapping), name (given by people, or "")
    """
    kind, stage, summary = facts["kind"], facts["stage"], facts["summary"] or {}
    first, _, last = facts["run"].rpartition("-")
    is_ours = len(last) == 12 and set(last) <= set("0123456789abcdef")
    rest = first.removeprefix(kind).strip("-") if is_ours else stage  # such as the source
    what = kind if rest in (None, "", kind) else f"{kind} {rest}"
    own = facts.get("name") or ("" if is_ours else facts["run"])
    started: datetime | None = facts["started_at"]
    parts = [
        own,
        what,
        f"{started.day} {started:%b %H:%M}" if started else "",
        str(summary.get("preset") or ""),
        _size(kind, summary),
        last[:HASH] if is_ours else "",
    ]
    return " · ".join(part for part in parts if part)


def _size(kind: str, summary: Mapping[str, Any]) -> str:
    name, noun = SIZES.get(kind, ("", ""))
    n = summary.get(name)
    return counted(n, noun) if isinstance(n, int) else ""


def run_names(store: Store) -> dict[str, str]:
    """Run -> its name, of all runs, the newest first."""
    return {row["run"]: run_name(row) for row in facts_of_runs(store)}


def facts_of_runs(store: Store) -> list[dict[str, Any]]:
    """What `run_name` reads of each run, its last event and its notes; the newest first."""
    rows = ask(
        store,
        """
        select
            run, kind, stage, event, started_at, summary,
            coalesce(name, '') as name, coalesce(notes, '') as notes
        from runs left join (select run, name, notes from run_notes) using (run)
        order by coalesce(started_at, ended_at) desc, run
        """,
    ).to_dicts()
    return [row | {"summary": json.loads(row["summary"] or "null")} for row in rows]
