"""The true states of runs: one that was killed has recorded no end, and is not running."""

from typing import Any

from data.store import Store, folder_of, jobs
from data.store.files import is_locked
from workbench.jobs.progress_file import read_progress
from workbench.lookup import facts_of_runs, run_name

OUTPUTS = ("checkpoints", "evaluations", "imports")  # folders of runs, whose lock a worker holds
OPEN = ("started", "restored")  # last events of runs that nothing has ended


def run_list(store: Store, limit: int = 50) -> list[dict[str, Any]]:
    """run, kind, name, state, notes, own_name of the newest runs, the newest first.

    name: as people read it   own_name: what people call it, or ""

    state: running, cancelled, interrupted, failed or done
    """
    cancelled = runs_of_cancelled_jobs(store)
    return [
        {
            "run": row["run"],
            "kind": row["kind"],
            "name": run_name(row),
            "own_name": row["name"],
            "state": true_state(store, row["run"], row["event"], cancelled),
            "notes": row["notes"],
        }
        for row in facts_of_runs(store)[:limit]
    ]


def true_state(store: Store, run: str, event: str, cancelled: set[str]) -> str:
    """What a run is now.

    event: its last one; of short runs, which take no lock, nothing else says whether they go on
    cancelled: as `runs_of_cancelled_jobs` gives them
    """
    folders = [store.folder / name / run for name in OUTPUTS]
    if event in OPEN and any((folder / "lock").exists() for folder in folders):
        event = "running" if any(map(is_locked, folders)) else "interrupted"
    return "cancelled" if event == "interrupted" and run in cancelled else event


def runs_of_cancelled_jobs(store: Store) -> set[str]:
    """Runs that were the last of a job which a person cancelled."""
    last = {}
    for job in reversed(jobs.jobs(store)):
        for _, run in read_progress(folder_of(store, job.job) / "progress.json")["runs"]:
            last[run] = job.state
    return {run for run, state in last.items() if state == "cancelled"}
