"""Verbs about jobs: commands that run in the background, one at a time."""

import time
from pathlib import Path
from typing import Any

import click

from workbench.cli import Answer, verb, verbs
from workbench.cli.output import jobs as printed_jobs
from workbench.lookup import user_name


def jobs() -> None:
    """Training and evaluation in the background, one at a time."""


GROUP = verbs(jobs)


@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 10_000))
def list_(folder: Path, limit: int) -> Answer:
    """List jobs, the newest first; find those whose process has gone."""
    from data.store import jobs
    from workbench.jobs import runner
    from workbench.lookup import existing_store

    store = existing_store(folder)
    runner.reconcile(store)
    return {"jobs": [_told(job) for job in jobs.jobs(store, limit)]}, printed_jobs.table_of


@click.argument("words", nargs=-1, required=True, metavar="VERB [OPTIONS]", type=click.UNPROCESSED)
@click.option("--wait", is_flag=True, help="until it has ended")
def start(folder: Path, words: tuple[str, ...], wait: bool) -> Answer:
    """Start a verb in the background: thinkbench jobs start -- sft --seed 1

    The same command is not started twice while it runs.
    """
    from data.store import job_of, open_store
    from workbench.jobs import runner

    store = open_store(folder)
    job, new = runner.start(store, list(words), user_name())
    while wait and job.lives:
        time.sleep(0.5)
        runner.reconcile(store)
        job = job_of(store, job.job)
    return _told(job) | {"new": new}, printed_jobs.one


@click.argument("job")
def cancel(folder: Path, job: str) -> Answer:
    """Ask a job to leave at its next step. What it has done is kept."""
    from workbench.jobs import runner
    from workbench.lookup import existing_store

    return _told(runner.cancel(existing_store(folder), job)), printed_jobs.one


@click.argument("job")
def show(folder: Path, job: str) -> Answer:
    """How far a job is, and the end of what it printed."""
    from data.store import folder_of, job_of
    from workbench.jobs import read_progress, runner, seconds_left
    from workbench.lookup import existing_store

    store = existing_store(folder)
    runner.reconcile(store)
    known = read_progress(folder_of(store, job) / "progress.json")
    work = {
        name: {**done, "seconds_left": seconds_left(done)} for name, done in known["work"].items()
    }
    value = _told(job_of(store, job)) | {
        "runs": [{"stage": stage, "run": run} for stage, run in known["runs"]],
        "work": work,
        "log": runner.log_of(store, job),
    }
    return value, printed_jobs.whole


def _told(job: Any) -> dict[str, Any]:
    times = {
        name: None if at is None else at.isoformat()
        for name, at in (
            ("created_at", job.created_at),
            ("started_at", job.started_at),
            ("ended_at", job.ended_at),
        )
    }
    return {
        "job": job.job,
        "state": job.state,
        "arguments": list(job.arguments),
        "author": job.author,
        "exit_code": job.exit_code,
        "message": job.message,
        **times,
    }


for command in (list_, start, cancel, show):
    verb(command, of=GROUP)
