"""Parts of the Train page that live: the jobs, and one of them with its numbers and its log."""

import shlex
from typing import Any

import streamlit as st

from data.store import Job, folder_of, jobs
from evals.rollouts import steps
from workbench.app import address, state
from workbench.app.components import charts, plain, plain_columns
from workbench.app.components.table import table
from workbench.formatting import duration
from workbench.jobs import eta, read_progress, runner, seconds_left

EVERY = 2.0  # [s] between two looks while a job lives
LISTED = 5  # jobs that are seen at once
NEWEST = 40  # lines of a log that are shown at once
MORE = 200_000  # [bytes] of it that are shown where they are asked for
CURVES = {
    "loss": ("sft/train/loss",),
    "held-out answers right": ("heldout/answer",),
    "reward": ("rollout/reward",),
    "format and answers right": ("rollout/format", "rollout/answer"),
}
ICONS = {"queued": "hourglass_empty", "running": "play_arrow", "done": "check", "failed": "error",
         "cancelled": "cancel", "out of time": "schedule", "lost": "help"}  # fmt: skip


def start(words: list[str]) -> None:
    """Start a job of these words, and show it. One that runs already is shown instead."""
    job, _ = runner.start(state.store(), words, state.author())
    state.go({"job": job.job})


def followed() -> None:
    """All jobs and the chosen one; while any lives, the page looks again by itself."""
    living = _living()
    st.fragment(_followed, run_every=EVERY if living else None)(living)


def _living() -> list[str]:
    return [job.job for job in jobs.live_jobs(state.store())]


def _followed(lived: list[str]) -> None:
    store = state.store()
    if state.may_write():
        runner.reconcile(store)  # before anything is shown, so that all of it agrees
    if _living() != lived:
        # the whole page: it begins to look again by itself, or ends to, and shows what was made
        st.rerun()
    chosen = _table(jobs.jobs(store))
    if chosen is not None:
        _one(chosen)


def _table(found: list[Job]) -> Job | None:
    """All jobs, the newest first; the one that is chosen."""
    if not found:
        st.info("No job has been started yet: choose above, then press Start.")
        return None
    rows = [
        {"job": job.job, "state": job.state, "by": job.author, "created": job.created_at,
         "took": _took(job), "command": shlex.join(job.arguments)}
        for job in found
    ]  # fmt: skip
    known = [job.job for job in found]
    state.say_missing("job", known, "choose one below")
    kept = next(iter(address.notes().get("job", known)))
    name = state.said("job") or kept
    if not state.said("job"):
        address.note("job", [name])  # so that a link goes on showing it when a newer one starts
    key = f"jobs {name}"
    picked = table(rows, most=LISTED, on_select="rerun", key=key, selection_mode="single-row")
    if chosen := picked["selection"]["rows"]:
        state.go({"job": found[chosen[0]].job})
        st.rerun()
    return next((job for job in found if job.job == name), None)


def _took(job: Job) -> str:
    if job.started_at is None or job.ended_at is None:
        return ""
    return duration((job.ended_at - job.started_at).total_seconds())


def _one(job: Job) -> None:
    """How far a job is, what may be done with it, its numbers and its log."""
    store, name = state.store(), job.job
    st.subheader(f":material/{ICONS[job.state]}: {job.state}")
    st.code(plain(f"thinkbench {shlex.join(job.arguments)}"), language=None)
    if job.message:
        st.text(plain(job.message))
    known = read_progress(folder_of(store, name) / "progress.json")
    if job.verb == "run":
        _whole(job, known)
    for work, done in known["work"].items():
        st.text(plain(_words(work, done, job)))
        if done["step"] < done["of"]:
            st.progress(done["step"] / done["of"])
    _buttons(job)
    runs = {run: stage for stage, run in known["runs"]}
    for run, stage in runs.items():
        _links(run, stage)
    for run in reversed(runs):
        series = state.answer(steps.series, run, reads=("metrics",))
        if not series.is_empty():
            st.caption(f"Numbers of {run}")
            _curves(series)
            break
    _log(name)


def _whole(job: Job, known: dict[str, Any]) -> None:
    """The stages of a whole job: what they took, and how long it takes still."""
    ran = state.answer(eta.durations, reads=("runs",))
    stages = eta.stages(eta.preset_of(job.arguments), known, ran, job.lives)
    if job.lives:
        st.text(plain(eta.sentence(stages)))
    table(eta.rows(stages, job.lives))


def _log(name: str) -> None:
    """The newest lines, which a box that scrolls would hide; more where they are asked for."""
    # a bar that is written over takes many bytes and is one line: the newest lines lie far back
    text = runner.log_of(state.store(), name, MORE)
    lines = text.splitlines()
    newest = "\n".join(lines[-NEWEST:])[-runner.TAIL :]
    st.caption(f"Log: its last {NEWEST} lines, the newest last" if len(lines) > NEWEST else "Log")
    st.code(plain(newest) or "Nothing so far.", language=None)
    more = state.folded("More of the log", "log")
    if more.open:
        more.caption(f"Its end, at most {MORE // 1000:,} kB. All of it: jobs/{name}/log.txt in the"
                     " store.")  # fmt: skip
        more.code(plain(text) or "Nothing so far.", language=None, height=500)


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
        st.button("Cancel", help="It leaves at its next step, and what it did is kept.",
                  on_click=_cancel, args=(job.job,))  # fmt: skip
    else:
        again = "Go on" if job.state != "done" else "Start again"
        st.button(again, help="The same command: what is done is found, the rest goes on.",
                  on_click=start, args=(list(job.arguments),))  # fmt: skip


def _cancel(name: str) -> None:
    runner.cancel(state.store(), name)


def _links(run: str, stage: str) -> None:
    """Where to look at what a run has made."""
    kind = run.split("-")[0]
    if kind == "grpo":
        st.page_link(
            "views/rollouts/page.py", label=f"Rollouts of {run}", query_params={"run": run}
        )
    elif kind == "eval":
        label = f"Failures of {run}"
        st.page_link("views/failures.py", label=label, query_params={"run": run, "stage": stage})


def _curves(series: Any) -> None:
    shown = {
        title: rows
        for title, names in CURVES.items()
        if not (rows := series.filter(series["name"].is_in(names))).is_empty()
    }
    for column, (title, rows) in zip(st.columns(3), shown.items(), strict=False):
        column.caption(title)
        column.altair_chart(charts.curve(plain_columns(rows), [], None))
