"""Jobs beside the app: started, cancelled, and found again when what watched them has gone.

Each has a watcher (workbench/jobs/watcher.py), a process of its own that outlives the app.
"""

import contextlib
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from data.errors import UserError
from data.store import Job, Store, folder_of, is_alive, is_held, job_of, jobs

VERBS = ("run", "sft", "grpo", "eval", "export", "ab")
LOG, CANCEL, WATCHER = "log.txt", "cancel", "watcher"
LATE = 10  # [s] a job that waits without a watcher for so long gets another one
LOST = (
    "What ran it has gone without a word: it was killed, or the machine was switched off. What it"
    " had done is kept: start it again, and it goes on there."
)
TAIL = 20_000  # [bytes] of a log that are shown


def start(store: Store, arguments: list[str], author: str) -> tuple[Job, bool]:
    """Have `thinkbench ARGUMENTS` run on this store; the job, and whether it is new."""
    if not arguments or arguments[0] not in VERBS:
        raise UserError(
            f"a job runs one of {', '.join(VERBS)}, got {' '.join(arguments[:1]) or 'nothing'!r}."
            " Give other verbs directly: they take seconds."
        )
    job, new = jobs.submit(store, arguments, author)
    if new:
        _watch(store, job.job)
    return job, new


def cancel(store: Store, name: str) -> Job:
    """Ask a job to leave: training keeps its state at the next step, then ends.

    One whose watcher has gone is told directly. A job that has ended stays as it is.
    """
    job = job_of(store, name)
    if not job.lives:
        return job
    folder = folder_of(store, name)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CANCEL).touch()
    if job.state == jobs.WAITS and not is_alive(store, name):
        jobs.ended(store, name, "cancelled", None, "It was cancelled before it began.")
    _tell_unwatched(store, job)
    return job_of(store, name)


def _tell_unwatched(store: Store, job: Job) -> None:
    """Pass on, once, that a job is to leave whose watcher has gone."""
    folder = folder_of(store, job.job)
    unwatched = is_alive(store, job.job) and not is_held(folder / WATCHER)
    if job.pid and unwatched and (folder / CANCEL).exists():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # whoever renames it tells the job: others who look at the same time do not
            (folder / CANCEL).rename(folder / f"{CANCEL} told")
            os.killpg(job.pid, signal.SIGTERM)  # its lock is held, so the group is still its own


def reconcile(store: Store) -> list[Job]:
    """Jobs that nobody watches: one that waits gets a watcher, one that ran is called lost."""
    found = []
    for job in jobs.live_jobs(store):
        if is_alive(store, job.job):
            _tell_unwatched(store, job)
            continue
        if job.state == jobs.WAITS:
            if (datetime.now(UTC) - job.created_at).total_seconds() > LATE:
                _watch(store, job.job)
                found.append(job)
        elif job_of(store, job.job).lives:  # a watcher writes the end down before it lets go
            jobs.ended(store, job.job, "lost", None, LOST)
            found.append(job)
    return found


def log_of(store: Store, name: str, most: int = TAIL) -> str:
    """The end of what the job printed, as text; a line that a bar wrote over is left out."""
    path = folder_of(store, name) / LOG
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        start = max(0, file.tell() - most)
        file.seek(start)
        text = file.read().decode("utf-8", errors="replace")
    whole = text if start == 0 else text.partition("\n")[2] or text
    return "\n".join(line.rpartition("\r")[2] for line in whole.replace("\r\n", "\n").split("\n"))


def _watch(store: Store, name: str) -> None:
    """Start the watcher of a job; where there is one already, the second leaves at once."""
    folder = folder_of(store, name)
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "workbench.jobs.watcher", str(store.folder), name]
    with (folder / "watcher.txt").open("ab") as told:
        # it leaves a child behind that nobody waits for, and ends at once
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
            env=os.environ | packages(),
            check=True,
        )


def packages() -> dict[str, str]:
    """The variable by which another process finds these packages, whatever folder it is in."""
    here = str(Path(__file__).parents[2])
    return {"PYTHONPATH": os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))}
