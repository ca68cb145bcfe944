"""Parts of the Train page that update themselves: the jobs, and one with its metrics and log."""

import shlex
from typing import Any

import streamlit as st

from data.store import HELD_OUT, Job, folder_of, jobs
from evals.rollouts import steps
from workbench.app import address, state
from workbench.app.components import charts, choices, plain, plain_columns
from workbench.app.components.table import table
from workbench.app.frame import explained
from workbench.formatting import duration
from workbench.jobs import eta, read_progress, runner, seconds_left

EVERY = 2.0  # [s] between two updates while a job is alive
VISIBLE = 5  # jobs that are visible without scrolling
NEWEST = 40  # lines of a log that are always shown
MORE = 200_000  # [bytes] of it in the fold below
CURVES = {
    "loss": ("sft/train/loss",),
    "loss of pairs": ("dpo/train/loss",),
    "preferred answers": ("dpo/train/rewards/accuracy",),
    "reward margin": ("dpo/train/rewards/margin",),
    "change of log-probability": ("dpo/train/change/chosen", "dpo/train/change/rejected"),
    "held-out accuracy": ("heldout/answer",),
    "reward": ("rollout/reward",),
    "valid format and accuracy": ("rollout/format", "rollout/answer"),
}
ICONS = {"queued": "hourglass_empty", "running": "play_arrow", "done": "check", "failed": "error",
         "cancelled": "cancel", "out of time": "schedule", "lost": "help"}  # fmt: skip
STATES = {"lost": "interrupted"}  # state of a job -> how the page shows it


def start(words: list[str]) -> None:
    """Start a job with these arguments and show it; show an identical running job instead."""
    job, _ = runner.start(state.store(), words, state.author())
    address.go({"job": job.job})


def jobs_and_progress() -> None:
    """All jobs and the chosen one; while any is alive, this part reruns by itself."""
    alive = _alive()
    st.fragment(explained()(_update), run_every=EVERY if alive else None)(alive)


def _alive() -> list[str]:
    return [job.job for job in jobs.live_jobs(state.store())]


def _update(alive: list[str]) -> None:
    store = state.store()
    if state.may_write():
        runner.reconcile(store)  # first, so that everything shown agrees
    if _alive() != alive:
        # the whole page: to start or stop updating, and to show new runs
        st.rerun()
    job = _table(jobs.jobs(store))
    if job is not None:
        _one(job)


def _table(listed: list[Job]) -> Job | None:
    """Draw all jobs, the newest first; returns the chosen one."""
    if not listed:
        hint = ": configure one above, then press Start." if state.may_write() else "."
        st.info(f"No job has been started yet{hint}")
        return None
    rows = [
        {"job": job.job, "state": STATES.get(job.state, job.state), "author": job.author,
         "created": job.created_at, "duration": _duration(job),
         "command": shlex.join(job.arguments)}
        for job in listed
    ]  # fmt: skip
    names = [job.job for job in listed]
    choices.warn_missing("job", names, "choose one below")
    default = next(iter(address.defaults().get("job", names)))
    name = address.value("job") or default
    if not address.value("job"):
        address.set_default("job", [name])  # a link goes on showing it when a newer job starts
    key = f"jobs {name}"
    selected = table(rows, most=VISIBLE, on_select="rerun", key=key, selection_mode="single-row")
    if chosen := selected["selection"]["rows"]:
        address.go({"job": listed[chosen[0]].job})
        st.rerun()
    return next((job for job in listed if job.job == name), None)


def _duration(job: Job) -> str:
    if job.started_at is None or job.ended_at is None:
        return ""
    return duration((job.ended_at - job.started_at).total_seconds())


def _one(job: Job) -> None:
    """The progress of a job, its buttons, its metrics and its log."""
    store, name = state.store(), job.job
    st.header(f":material/{ICONS[job.state]}: {STATES.get(job.state, job.state)}")
    state.show_commands(shlex.join(job.arguments))
    if job.message:
        st.text(plain(job.message))
    progress = read_progress(folder_of(store, name) / "progress.json")
    if job.verb == "run":
        _stages(job, progress)
    for work, done in progress["work"].items():
        st.text(plain(_words(work, done, job)))
        if done["step"] < done["of"]:
            st.progress(done["step"] / done["of"])
    _buttons(job)
    runs = {run: stage for stage, run in progress["runs"]}
    for run, stage in runs.items():
        _links(run, stage)
    for run in reversed(runs):
        series = state.query(steps.series, run, reads=("metrics",))
        if not series.is_empty():
            st.caption(f"Metrics of {run}")
            _curves(series)
            break
    _log(name)


def _stages(job: Job, progress: dict[str, Any]) -> None:
    """The stages of a full pipeline: their durations, and the time that remains."""
    durations = state.query(eta.durations, reads=("runs",))
    stages = eta.stages(eta.preset_of(job.arguments), progress, durations, job.lives)
    if job.lives:
        st.text(plain(eta.sentence(stages)))
    table(eta.rows(stages, job.lives))


def _log(name: str) -> None:
    """The newest lines, which a scrolling box would hide; more of the log in a fold."""
    # a progress bar that overwrites itself is one line of many bytes: read far back
    text = runner.log_of(state.store(), name, MORE)
    lines = text.splitlines()
    newest = "\n".join(lines[-NEWEST:])[-runner.TAIL :]
    st.caption(f"Log: the last {NEWEST} lines" if len(lines) > NEWEST else "Log")
    st.code(plain(newest) or "Waiting for output.", language=None)
    more = choices.fold("More of the log", "log")
    if more.open:
        kilobytes = f"{MORE // 1000:,} kB"
        more.caption(f"The last {kilobytes}. All of it: jobs/{name}/log.txt in the store.")
        more.code(plain(text) or "Waiting for output.", language=None, height=500)


def _words(work: str, done: dict[str, Any], job: Job) -> str:
    left = seconds_left(done) if job.lives else None
    numbers = ", ".join(f"{key} {value:.4g}" for key, value in done["numbers"].items())
    parts = [f"{work}: {done['step']:,} of {done['of']:,}", numbers,
             "" if left is None else f"{duration(left)} left"]  # fmt: skip
    return ". ".join(part for part in parts if part)


def _buttons(job: Job) -> None:
    if not state.may_write():
        return
    if job.lives:
        st.button("Cancel", help="Stops after the current step; its progress is saved.",
                  on_click=_cancel, args=(job.job,))  # fmt: skip
    else:
        again = "Resume" if job.state != "done" else "Run again"
        st.button(again, help="The same command: finished work is reused.",
                  on_click=start, args=(list(job.arguments),))  # fmt: skip


def _cancel(name: str) -> None:
    runner.cancel(state.store(), name)


def _links(run: str, stage: str) -> None:
    """Links to the pages that show the results of a run."""
    kind = run.split("-")[0]
    if kind == "grpo":
        st.page_link(
            "views/rollouts/page.py", label=f"Rollouts of {run}", query_params={"run": run}
        )
    elif kind == HELD_OUT:  # as names of all evaluations begin
        label = f"Generations of {run}"
        st.page_link(
            "views/failures/page.py", label=label, query_params={"run": run, "stage": stage}
        )


def _curves(series: Any) -> None:
    shown = {
        title: rows
        for title, names in CURVES.items()
        if not (rows := series.filter(series["name"].is_in(names))).is_empty()
    }
    for column, (title, rows) in zip(st.columns(3), shown.items(), strict=False):
        column.caption(title)
        column.altair_chart(charts.curve(plain_columns(rows), [], None))
