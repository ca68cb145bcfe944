"""Jobs: commands that run in the background, as rows of state.db that any process may read.

A job has a folder `jobs/JOB/` in the store: `lock`, which its processes hold, `log.txt` and
`progress.json`. workbench/jobs/runner.py starts and stops them.
"""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.store.annotations import BadEntry
from data.store.files import is_locked
from data.store.state_db import commit, connect, now
from data.store.store import Store

WAITS, RUNS = "queued", "running"
LIVE = (WAITS, RUNS)
ENDS = ("done", "failed", "cancelled", "out of time", "lost")
ACCELERATOR = "accelerator"  # the one slot: two trainings at once would fit into no chip


@dataclass(frozen=True)
class Job:
    """One job as the store has it; times are UTC, and None before the job gets there.

    arguments: of the command `thinkbench --store STORE`, the verb first
    state:     one of LIVE or ENDS
    pid:       of its process group
    """

    job: str
    arguments: tuple[str, ...]
    author: str
    state: str
    pid: int | None
    exit_code: int | None
    message: str | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def verb(self) -> str:
        return self.arguments[0]

    @property
    def lives(self) -> bool:
        return self.state in LIVE


COLUMNS = "job, spec, state, pid, exit_code, message, created_at, started_at, ended_at"


def submit(store: Store, arguments: Sequence[str], author: str) -> tuple[Job, bool]:
    """The job for these arguments, and whether it is new.

    While a job with the same arguments waits or runs, no second one is made: a button that is
    pressed twice starts one job.
    """
    if not arguments:
        raise BadEntry("a job has no command; expected its words, such as sft")
    spec = json.dumps({"arguments": list(arguments), "author": author})
    same = json.dumps(list(arguments))
    digest = hashlib.sha256(same.encode()).hexdigest()[:6]
    with commit(store.folder) as connection:
        existing = connection.execute(
            "select job from jobs where json_extract(spec, '$.arguments') = json(?)"
            " and state in (?, ?)",
            (same, *LIVE),
        ).fetchone()
        if existing:
            name = existing[0]
        else:
            day = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
            name = f"{day}-{arguments[0]}-{digest}{secrets.token_hex(2)}"
            connection.execute(
                "insert into jobs (job, verb, spec, state, slot, created_at)"
                " values (?, ?, ?, ?, ?, ?)",
                (name, arguments[0], spec, WAITS, ACCELERATOR, now()),
            )
    return job_of(store, name), not existing


def jobs(store: Store, limit: int = 100) -> list[Job]:
    """The newest jobs, the newest first."""
    with connect(store.folder) as connection:
        rows = connection.execute(
            f"select {COLUMNS} from jobs order by created_at desc, job desc limit ?", (limit,)
        ).fetchall()
    return [_job(row) for row in rows]


def live_jobs(store: Store) -> list[Job]:
    """Jobs that wait or run, the oldest first."""
    with connect(store.folder) as connection:
        rows = connection.execute(
            f"select {COLUMNS} from jobs where state in (?, ?) order by created_at, job", LIVE
        ).fetchall()
    return [_job(row) for row in rows]


def job_of(store: Store, name: str) -> Job:
    with connect(store.folder) as connection:
        row = connection.execute(f"select {COLUMNS} from jobs where job = ?", (name,)).fetchone()
        if row is None:
            newest = connection.execute(
                "select job from jobs order by created_at desc limit 5"
            ).fetchall()
            raise UserError(
                f"there is no job {name!r}; the newest are"
                f" {', '.join(name for (name,) in newest) or 'none'}. See: thinkbench jobs list"
            )
    return _job(row)


def began(store: Store, job: str, pid: int) -> None:
    """Record that the job's command runs, in a process group of its own."""
    _change(store, "state = ?, pid = ?, started_at = ?", (RUNS, pid, now()), job)


def ended(store: Store, job: str, state: str, exit_code: int | None, message: str | None) -> None:
    """Record how the job ended. A job that has ended already stays as it is."""
    assert state in ENDS
    values = (state, exit_code, message, now())
    _change(store, "state = ?, exit_code = ?, message = ?, ended_at = ?", values, job)


def _change(store: Store, assignments: str, values: tuple[Any, ...], job: str) -> None:
    with commit(store.folder) as connection:
        connection.execute(
            f"update jobs set {assignments} where job = ? and state in (?, ?)",
            (*values, job, *LIVE),
        )


def folder_of(store: Store, job: str) -> Path:
    """The folder of a job. The job must exist: a name from outside is not used as a path."""
    return store.folder / "jobs" / job_of(store, job).job


def is_alive(store: Store, job: str) -> bool:
    """Whether any process of the job lives: each holds the lock until it ends."""
    return is_locked(folder_of(store, job))


def _job(row: tuple[Any, ...]) -> Job:
    name, spec, state, pid, exit_code, message, *times = row
    request = json.loads(spec)
    created, started, ended = (None if at is None else _time(at) for at in times)
    assert created is not None
    arguments = tuple(request["arguments"])
    return Job(name, arguments, request["author"], state, pid, exit_code, message, created, started,
               ended)  # fmt: skip


def _time(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1e6, UTC)
