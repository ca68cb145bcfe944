"""`jobs`: commands that run in the background, one at a time."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli import Answer, verb, verb_group
from workbench.cli.output import jobs as output
from workbench.lookup import user_name

if TYPE_CHECKING:
    from data.store import Job

group = verb_group("jobs", "Training and evaluation in the background, one at a time.")


@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 10_000))
def list_(folder: Path, limit: int) -> Answer:
    """List jobs, the newest first; mark those whose process has ended unexpectedly."""
    from data.store import jobs
    from workbench.jobs import runner
    from workbench.lookup import existing_store

    store = existing_store(folder)
    runner.reconcile(store)
    return {"jobs": [_to_json(job) for job in jobs.jobs(store, limit)]}, output.list_of_jobs


@click.argument(
    "words", nargs=-1, required=True, metavar="COMMAND [OPTIONS]", type=click.UNPROCESSED
)
@click.option("--wait", is_flag=True, help="until it has ended")
def start(folder: Path, words: tuple[str, ...], wait: bool) -> Answer:
    """Start a command in the background: thinkbench jobs start -- sft --seed 1

    While the same command is queued or running it is not started again.
    """
    from data.store import job_of, open_store
    from workbench.cli.commands.training import check_words
    from workbench.jobs import runner

    runner.check_verb(words)
    check_words(words)  # before it is queued, and before a store is created for it
    store = open_store(folder)
    job, new = runner.start(store, list(words), user_name())
    while wait and job.lives:
        time.sleep(0.5)
        runner.reconcile(store)
        job = job_of(store, job.job)
    return _to_json(job) | {"new": new}, output.one_job


@click.argument("job")
def cancel(folder: Path, job: str) -> Answer:
    """Cancel a job at its next step. Its progress is kept."""
    from workbench.jobs import runner
    from workbench.lookup import existing_store

    return _to_json(runner.cancel(existing_store(folder), job)), output.one_job


@click.argument("job")
def show(folder: Path, job: str) -> Answer:
    """Show the progress of a job, and the end of its log."""
    from data.store import folder_of, job_of
    from workbench.jobs import read_progress, runner, seconds_left
    from workbench.lookup import existing_store

    store = existing_store(folder)
    runner.reconcile(store)
    progress = read_progress(folder_of(store, job) / "progress.json")
    value = _to_json(job_of(store, job)) | {
        "runs": [{"stage": stage, "run": run} for stage, run in progress["runs"]],
        "work": {
            name: {**work, "seconds_left": seconds_left(work)}
            for name, work in progress["work"].items()
        },
        "log": runner.log_of(store, job),
    }
    return value, output.job_with_log


def _to_json(job: "Job") -> dict[str, Any]:
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
    group.add_command(verb(command))
