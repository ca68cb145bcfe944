"""What `thinkbench jobs` prints: all jobs, one, and one with its log."""

from typing import Any

from workbench.cli.output.tables import show, table
from workbench.formatting import duration, visible


def list_of_jobs(value: dict[str, Any]) -> None:
    """Every job: its state and its command."""
    if not value["jobs"]:
        show("There are no jobs. Start one: thinkbench jobs start -- sft")
        return
    rows = [
        [job["job"], job["state"], job["created_at"][:19], job["author"], _command(job)]
        for job in value["jobs"]
    ]
    show(table("Jobs (UTC)", ["job", "state", "created", "by", "command"], rows, words=True))


def one_job(value: dict[str, Any]) -> None:
    """One job, and whether it existed already."""
    if value.get("new") is False:
        show("The same command is queued or running already; it was not started again.")
    rows = [["state", value["state"]], ["command", _command(value)]]
    rows += [["message", visible(value["message"])]] if value["message"] else []
    show(table(value["job"], ["what", "value"], rows, words=True))


def job_with_log(value: dict[str, Any]) -> None:
    """One job with its runs, the progress of its work, and the end of its log."""
    one_job(value)
    for run in value["runs"]:
        show(f"{run['stage']}: {run['run']}")
    rows = [
        [
            name,
            f"{done['step']:,} of {done['of']:,}",
            "-" if done["seconds_left"] is None else duration(done["seconds_left"]),
            "  ".join(f"{key} {number:.4g}" for key, number in done["numbers"].items()),
        ]
        for name, done in value["work"].items()
    ]
    if rows:
        show(table("Work", ["work", "done", "left", "metrics"], rows, words=True))
    if value["log"].strip():
        show("Log:", "\n".join(visible(line) for line in value["log"].strip().splitlines()))


def _command(job: dict[str, Any]) -> str:
    return visible(" ".join(job["arguments"]))
