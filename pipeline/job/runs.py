"""A stage of the job as a run of the store, found again by its fingerprint.

A stage whose run is done, with the same configuration, inputs and code, is not run again.
Interrupted training resumes at its last checkpoint, an interrupted evaluation generates what it
lacks. Any other interrupted stage starts again as a new attempt; what the old attempt wrote stays.
Where only the code differs, a person decides (docs/decisions/0029-code-that-changed.md).
"""

import shutil
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.progress import ProgressReporter
from data.store import Store, ask, is_evaluation, name_of_kind, runs
from data.store.files import locked
from pipeline import distributed
from pipeline.checkpoint import refuse_changes
from pipeline.config import Preset, as_json
from pipeline.fingerprint import (
    CODE,
    Code,
    NewKnobs,
    code_of,
    completed,
    hash_of,
    last_code,
    new_knobs,
    record,
    refusal,
    runs_of,
    runs_without_new_knobs,
    with_accepted,
    without_code,
)
from pipeline.job.models import model_of
from pipeline.job.timed_run import timed_run
from pipeline.model import devices_text
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
    accept_code_change: whether to go on with a run that differs in its code alone, or to start
                        a new one; None: UserError
    """

    store: Store
    preset: Preset
    progress: ProgressReporter
    stop: Stop = field(default_factory=Stop)
    resume: str | None = None
    logs: tuple[str, ...] = ()
    on_start: Callable[[str, str], None] = _ignore
    accept_code_change: bool | None = None

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

    kind:      sft, grpo, export, or an evaluation
    module:    of the stage: what it imports is the code of the run
    inputs:    name -> hash of what the stage reads
    parent:    the run that made the model; no part of the fingerprint
    resumable: whether the stage resumes from what its run's folder holds
    """

    kind: str
    stage: str
    module: str
    config: dict[str, Any]
    inputs: dict[str, str]
    parent: str | None = None
    resumable: bool = False


@dataclass(frozen=True)
class Done:
    """A finished stage: its run, and its summary."""

    run: str
    summary: dict[str, Any]


@dataclass(frozen=True)
class Attempt:
    """The run that a stage uses.

    state:  its last state in the store; None if it is new
    inputs: to record of it
    """

    run: str
    state: dict[str, Any] | None
    inputs: dict[str, str]

    @property
    def is_done(self) -> bool:
        return self.state is not None and self.state["event"] == "done"


def stage_run(job: Job, spec: StageSpec, work: Callable[[str], dict[str, Any]]) -> Done:
    """Run `work` as a run of the store, or find the finished run with the same fingerprint.

    work: from the run's name to its summary
    """
    code = code_of(spec.module)
    spec = _complete(job, spec, code)
    job.stop.check()
    attempt = _attempt(job, spec, code)
    run, state = attempt.run, attempt.state
    distributed.check_same("the next run", f"{run}, {'done' if attempt.is_done else 'to be done'}")
    if state is not None and attempt.is_done:
        if attempt.inputs != state["inputs"]:
            record(job.store, code)
            runs.change_inputs(job.store, run, attempt.inputs)
        job.on_start(spec.stage, run)
        return Done(run, state["summary"])
    record(job.store, code)
    outputs = "evaluations" if is_evaluation(spec.kind) else "checkpoints"
    folder = job.store.folder / outputs / run
    with locked(folder) if spec.resumable else nullcontext():
        runs.begin(
            job.store,
            spec.kind,
            run=run,
            stage=spec.stage,
            config=spec.config,
            seed=spec.config.get("seed"),
            inputs=attempt.inputs,
            parent=spec.parent,
        )
        job.on_start(spec.stage, run)
        with timed_run(job.store, run, state, devices_text()) as seconds:
            summary = work(run) | seconds() | {"preset": job.preset.name}
        runs.end(job.store, run, "done", summary)
        shutil.rmtree(job.folder / run / "state", ignore_errors=True)
    return Done(run, summary)


def _complete(job: Job, spec: StageSpec, code: Code) -> StageSpec:
    """`spec` with all that the numbers depend on: precision and mesh, and the code.

    The model's name is left out: the hash of its folder is among the inputs. So is the chip, which
    only says where the settings fit.
    """
    knobs = as_json(job.preset.model)
    model = {name: value for name, value in knobs.items() if name not in ("model", "chip")}
    return replace(spec, config=spec.config | model, inputs=spec.inputs | {CODE: hash_of(code)})


def run_name(spec: StageSpec) -> str:
    """The name of the first attempt; it holds the fingerprint."""
    fingerprint = runs.fingerprint(
        kind=spec.kind,
        stage=spec.stage,
        config=spec.config,
        inputs=without_code(spec.inputs),
        code=spec.inputs[CODE],
    )
    kind = name_of_kind(spec.kind)
    prefix = kind if kind == spec.stage else f"{kind}-{spec.stage}"
    return f"{prefix}-{fingerprint[:12]}"


def _attempt(job: Job, spec: StageSpec, code: Code) -> Attempt:
    """The first run of these values that is done or can be resumed; else a new one.

    A run of the same code comes before one whose code differs, of which the newest counts.
    """
    resumes = spec.resumable and job.resume is not None
    if resumes:
        _check_resume(job, spec)
    values = job.store, spec.kind, spec.stage, spec.config, spec.inputs
    usable = [state for state in runs_of(*values) if _is_usable(job, state, spec.resumable)]
    older = [
        (state, knobs)
        for state, knobs in runs_without_new_knobs(*values)
        if _is_usable(job, state, spec.resumable) and (resumes or _has_progress(job, state))
    ]
    for state in [*usable, *(state for state, knobs in older if not knobs.other)]:
        if last_code(state["inputs"]) == spec.inputs[CODE]:
            return Attempt(state["run"], state, state["inputs"])
    worth = [(state, NewKnobs()) for state in usable if resumes or _has_progress(job, state)]
    if not (worth or older) or (job.accept_code_change is False and not resumes):
        return Attempt(_free_name(job.store, run_name(spec)), None, spec.inputs)
    state, knobs = (worth or older)[-1]
    if knobs.other or not job.accept_code_change:
        raise refusal(job.store, state, code, knobs, resumes)
    return Attempt(state["run"], state, with_accepted(state["inputs"], spec.inputs[CODE]))


def _is_usable(job: Job, state: dict[str, Any], resumable: bool) -> bool:
    if resumable and job.resume not in (None, state["run"]):
        return False
    if state["event"] == "done":
        return outputs_exist(job, state["summary"])
    return resumable and state["event"] in UNFINISHED


def _has_progress(job: Job, state: dict[str, Any]) -> bool:
    """Whether a run is done, or has a checkpoint or answers that a new run would make again."""
    run = state["run"]
    checkpoints = job.folder / run / "state"
    if state["event"] == "done" or any(step.name.isdigit() for step in checkpoints.glob("*")):
        return True
    answers = ask(job.store, "select 1 from generations where run = $run limit 1", run=run)
    return not answers.is_empty()


def _free_name(store: Store, name: str) -> str:
    run, attempt = name, 1
    while runs.state(store, run) is not None:
        attempt += 1
        run = f"{name}.{attempt}"
    return run


def _check_resume(job: Job, spec: StageSpec) -> None:
    """Raise UserError unless `job.resume` can be resumed with this configuration and inputs."""
    run = str(job.resume)
    state = runs.state(job.store, run)
    if state is None or state["kind"] != spec.kind:
        raise UserError(
            f"there is no {spec.kind} run {run!r} to resume. Give the command without --resume:"
            " an interrupted run is resumed by itself."
        )
    earlier = completed(spec.kind, state["config"], spec.config)
    for knob in new_knobs(spec.kind, earlier, spec.config).unknown:  # `_attempt` decides about it
        earlier |= {knob: spec.config[knob]}
    refuse_changes(
        f"run {run}",
        {"config": earlier, "read": without_code(state["inputs"])},
        {"config": spec.config, "read": without_code(spec.inputs)},
    )
    if not _is_usable(job, state, spec.resumable):
        raise UserError(
            f"run {run} is {state['event']}, and the model that it made is not there. Give the"
            " command without --resume to train it again."
        )


def outputs_exist(job: Job, summary: dict[str, Any]) -> bool:
    """Whether the model and the export that a stage made still exist."""
    folders = [model_of(job.store, summary)] if "model" in summary else []
    folders += [job.store.folder / summary["path"]] if "path" in summary else []
    return all(folder.is_dir() for folder in folders)
