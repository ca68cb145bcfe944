"""A stage of the job as a run of the store, found again by its fingerprint.

A stage whose run is done, with the same configuration, inputs and code, is not run again.
Interrupted training resumes at its last checkpoint, an interrupted evaluation generates what it
lacks. Any other interrupted stage starts again as a new attempt; what the old attempt wrote stays.
"""

import shutil
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.progress import ProgressReporter
from data.store import Store, locked, runs
from pipeline import distributed
from pipeline.checkpoint import refuse_changes
from pipeline.config import Preset, as_json
from pipeline.job import inputs
from pipeline.job.models import model_of
from pipeline.job.timed_run import timed_run
from pipeline.stopping import Stop
from pipeline.train import StoreMetrics, writers

UNFINISHED = ("started", "interrupted", "failed")  # last events of a run that can be resumed


def _ignore(stage: str, run: str) -> None:
    """The default of `Job.on_start`."""


@dataclass(frozen=True)
class Job:
    """What all stages of one job share.

    resume:   the run that the stage must resume; UserError if it would be another
    logs:     where metrics are written besides the store
    on_start: called with the stage and the run of each stage that starts or is found done
    """

    store: Store
    preset: Preset
    progress: ProgressReporter
    stop: Stop = field(default_factory=Stop)
    resume: str | None = None
    logs: tuple[str, ...] = ()
    on_start: Callable[[str, str], None] = _ignore

    def metrics(self, run: str) -> StoreMetrics:
        return StoreMetrics(
            self.store, run, writers(self.logs, self.store.folder / "tensorboard", run)
        )

    @property
    def folder(self) -> Path:
        return self.store.folder / "checkpoints"


@dataclass(frozen=True, kw_only=True)
class StageSpec:
    """What identifies a stage's run: two stages with the same values are the same run.

    kind:      sft, grpo, eval, export
    inputs:    name -> hash of what the stage reads
    parent:    the run that made the model; no part of the fingerprint
    resumable: whether the stage resumes from what its run's folder holds
    """

    kind: str
    stage: str
    config: dict[str, Any]
    inputs: dict[str, str]
    parent: str | None = None
    resumable: bool = False


@dataclass(frozen=True)
class Done:
    """A finished stage: its run, and its summary."""

    run: str
    summary: dict[str, Any]


def stage_run(job: Job, spec: StageSpec, work: Callable[[str], dict[str, Any]]) -> Done:
    """Run `work` as a run of the store, or find the finished run with the same fingerprint.

    work: from the run's name to its summary
    """
    spec = _complete(job, spec)
    name = run_name(spec)
    if spec.resumable and job.resume:
        _check_resume(job, name, spec)
    job.stop.check()
    run, state = _next_attempt(job, name, spec.resumable)
    is_done = state is not None and state["event"] == "done"
    distributed.check_same("the next run", f"{run}, {'done' if is_done else 'to be done'}")
    if state is not None and is_done:
        job.on_start(spec.stage, run)
        return Done(run, state["summary"])
    outputs = "evaluations" if spec.kind.startswith("eval") else "checkpoints"
    folder = job.store.folder / outputs / run
    with locked(folder) if spec.resumable else nullcontext():
        runs.begin(
            job.store,
            spec.kind,
            run=run,
            stage=spec.stage,
            config=spec.config,
            seed=spec.config.get("seed"),
            inputs=spec.inputs,
            parent=spec.parent,
        )
        job.on_start(spec.stage, run)
        with timed_run(job.store, run, state) as seconds:
            summary = work(run) | seconds()
        runs.end(job.store, run, "done", summary)
        shutil.rmtree(job.folder / run / "state", ignore_errors=True)
    return Done(run, summary)


def _complete(job: Job, spec: StageSpec) -> StageSpec:
    """`spec` with all that the numbers depend on: precision and mesh, and the code.

    The model's name is left out: the hash of its folder is among the inputs. So is the chip, which
    only says where the settings fit.
    """
    knobs = as_json(job.preset.model)
    model = {name: value for name, value in knobs.items() if name not in ("model", "chip")}
    return replace(
        spec,
        config=spec.config | model,
        inputs=spec.inputs | {"code": inputs.hash_of_code()},
    )


def run_name(spec: StageSpec) -> str:
    """The name of the first attempt; it holds the fingerprint."""
    read = {name: digest for name, digest in spec.inputs.items() if name != "code"}
    fingerprint = runs.fingerprint(
        kind=spec.kind,
        stage=spec.stage,
        config=spec.config,
        inputs=read,
        code=spec.inputs["code"],
    )
    kind = spec.kind.removesuffix("-train")  # which the stage says, too
    prefix = kind if kind == spec.stage else f"{kind}-{spec.stage}"
    return f"{prefix}-{fingerprint[:12]}"


def _next_attempt(job: Job, name: str, resumable: bool) -> tuple[str, dict[str, Any] | None]:
    """The run to use, and its last state in the store; None if the run is new.

    That is the first attempt that is done, can be resumed, or does not exist yet.
    """
    run, attempt = name, 1
    while (state := runs.state(job.store, run)) is not None:
        if state["event"] == "done" and outputs_exist(job, state["summary"]):
            break
        if resumable and state["event"] in UNFINISHED:
            break
        attempt += 1
        run = f"{name}.{attempt}"
    return run, state


def _check_resume(job: Job, name: str, spec: StageSpec) -> None:
    """Raise UserError unless `job.resume` is the run that would be resumed."""
    run = str(job.resume)
    state = runs.state(job.store, run)
    if state is None or state["kind"] != spec.kind:
        raise UserError(
            f"there is no {spec.kind} run {run!r} to resume. Give the command without --resume:"
            " an interrupted run is resumed by itself."
        )
    refuse_changes(
        f"run {run}",
        {"config": state["config"], "read": state["inputs"]},
        {"config": spec.config, "read": spec.inputs},
    )
    if not run.startswith(name):
        raise UserError(
            f"run {run} cannot be resumed: its fingerprint is not {name}. A package that training"
            " depends on has another version now."
        )


def outputs_exist(job: Job, summary: dict[str, Any]) -> bool:
    """Whether the model and the export that a stage made still exist."""
    folders = [model_of(job.store, summary)] if "model" in summary else []
    folders += [Path(summary["path"])] if "path" in summary else []
    return all(folder.is_dir() for folder in folders)
