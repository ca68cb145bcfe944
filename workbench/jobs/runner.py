"""Jobs in the background: start, cancel, and reconcile those whose watcher has ended.

Each job has a watcher (workbench/jobs/watcher.py), a process that outlives the app.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from data.errors import UserError
from data.store import Job, Store, folder_of, is_alive, job_of, jobs
from data.store.files import is_locked
from data.store.state_db import is_writable

VERBS = ("run", "sft", "dpo", "grpo", "eval", "export", "ab")
LOG, CANCEL, WATCHER = "log.txt", "cancel", "watcher"
WATCHER_TIMEOUT = 10  # [s] after which a queued job without a watcher gets another one
LOST = (
    "The process ended unexpectedly: it was killed, or the machine was switched off. Its progress"
    " is kept: start the same command again to resume."
)
TAIL = 20_000  # [bytes] of a log that are shown


def start(store: Store, arguments: list[str], author: str) -> tuple[Job, bool]:
    """Run `thinkbench ARGUMENTS` on this store in the background; the job, and whether it is new.

    While the same command is queued or running no second one is started.
    """
    check_verb(arguments)
    job, new = jobs.submit(store, arguments, author)
    if new:
        _watch(store, job.job)
    return job, new


def check_verb(arguments: Sequence[str]) -> None:
    """Raise UserError unless `arguments` are those of a job."""
    if not arguments or arguments[0] not in VERBS:
        raise UserError(
            f"expected one of {', '.join(VERBS)}, got {' '.join(arguments[:1]) or 'nothing'!r}."
            " Run other commands directly: they take seconds."
        )
    if any(word.partition("=")[0] == "--store" for word in arguments):
        raise UserError(
            "a job works in the store that lists it; leave out --store after the command, and name"
            " the store before it: thinkbench --store DIR jobs start -- COMMAND"
        )


def cancel(store: Store, name: str) -> Job:
    """Cancel a job: training saves its state at the next step, then ends.

    A job whose watcher has ended gets the signal directly. A job that has ended is left as it is.
    """
    job = job_of(store, name)
    if not job.lives:
        return job
    folder = folder_of(store, name)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CANCEL).touch()
    if job.state == jobs.WAITS and not is_alive(store, name):
        jobs.ended(store, name, "cancelled", None, "It was cancelled before it started.")
    _signal_unwatched(store, job)
    return job_of(store, name)


def _signal_unwatched(store: Store, job: Job) -> None:
    """Send SIGTERM, once, to a job that is to be cancelled and whose watcher has ended."""
    folder = folder_of(store, job.job)
    unwatched = is_alive(store, job.job) and not is_locked(folder / WATCHER)
    if job.pid and unwatched and (folder / CANCEL).exists():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # of several processes at once only the one that renames the file sends the signal
            (folder / CANCEL).rename(folder / f"{CANCEL} told")
            os.killpg(job.pid, signal.SIGTERM)  # its lock is held, so the group is still its own


def reconcile(store: Store) -> list[Job]:
    """Jobs without a watcher: a queued one gets a watcher, one that was running becomes "lost".

    Nothing is changed in a store that cannot be written.
    """
    changed: list[Job] = []
    if not is_writable(store.folder):
        return changed
    for job in jobs.live_jobs(store):
        if is_alive(store, job.job):
            _signal_unwatched(store, job)
            continue
        if job.state == jobs.WAITS:
            age = (datetime.now(UTC) - job.created_at).total_seconds()
            if not 0 <= age <= WATCHER_TIMEOUT:  # below 0 the clock was set back
                _watch(store, job.job)
                changed.append(job)
        elif job_of(store, job.job).lives:  # a watcher records the end before it releases the lock
            jobs.ended(store, job.job, "lost", None, LOST)
            changed.append(job)
    return changed


def log_of(store: Store, name: str, most: int = TAIL) -> str:
    """The end of the log as text, without the lines that a progress bar has overwritten."""
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
    """Start the watcher of a job; where one runs already, the second ends at once."""
    folder = folder_of(store, name)
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "workbench.jobs.watcher", str(store.folder), name]
    with (folder / "watcher.txt").open("ab") as output:
        # it forks the watcher, for which nobody waits, and ends at once
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=os.environ | import_path(),
            check=True,
        )


def import_path() -> dict[str, str]:
    """The environment in which a subprocess imports these packages, whatever its folder is.

    Without PYTHONSAFEPATH `python -m` looks into the current folder first, where a package `data`
    of another project would hide ours.
    """
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    return {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"}
