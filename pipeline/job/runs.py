"""A stage of the main job as one run of the store, found again by its fingerprint.

A stage whose run is done, with the same configuration, inputs and code, is not run again.
Training that was broken off goes on from its last step, and an evaluation with what it lacks; any
other stage that was broken off starts anew under a new attempt, and what the old one wrote stays.
"""

import shutil
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.store import Store, held as held, runs
from pipeline import distributed
from pipeline.checkpoint import refuse_others
from pipeline.config import Preset, as_json
from pipeline.job import inputs
from pipeline.stopping import Stop
from pipeline.train import StoreMetrics, writers

# name of the stage -> a function that is told (step, of, numbers to show)
Progress = Callable[[str], Callable[[int, int, dict[str, float]], None]]


def untold(stage: str, run: str) -> None:
    """Tells nobody that a run begins."""


BROKEN_OFF = ("started", "interrupted", "failed")


@dataclass(frozen=True)
class Job:
    """What every stage of one main job shares."""

    store: Store
    preset: Preset
    progress: Progress
    stop: Stop = field(default_factory=Stop)
    resume: str | None = None  # a run that must be gone on with
    logs: tuple[str, ...] = ()  # where numbers go besides the store; see metric_logs
    began: Callable[[str, str], None] = untold  # is told the stage and run of each that begins

    def metrics(self, run: str) -> StoreMetrics:
        return StoreMetrics(
            self.store, run, writers(self.logs, self.store.folder / "tensorboard", run)
        )

    @property
    def folder(self) -> Path:
        return self.store.folder / "checkpoints"


@dataclass(frozen=True)
class Done:
    """A finished stage: its run, and what it reports."""

    run: str
    summary: dict[str, Any]


def stage_run(
    job: Job,
    kind: str,
    stage: str,
    config: dict[str, Any],
    read: dict[str, str],
    parent: str | None,
    work: Callable[[str], dict[str, Any]],
    *,
    resumed: bool = False,
) -> Done:
    """Run `work` as a run of the store, or find the finished run with the same fingerprint.

    resumed: `work` goes on from what is kept in the run's folder, if it was broken off
    """
    # all that the numbers hang on: which model it is stands in what is read
    config |= {k: v for k, v in as_json(job.preset.model).items() if k != "model"}
    code = inputs.hash_of_code()
    print_of = runs.fingerprint(kind=kind, stage=stage, config=config, inputs=read, code=code)
    base = f"{kind}-{print_of[:12]}" if kind == stage else f"{kind}-{stage}-{print_of[:12]}"
    read = read | {"code": code}
    if resumed and job.resume:
        refuse_another(job, base, kind, config, read)
    job.stop.check()
    run, attempt = base, 1
    while (known := runs.state(job.store, run)) is not None:
        if known["event"] == "done" and is_there(job, known["summary"]):
            distributed.same("the next run", f"{run}, done")
            job.began(stage, run)
            return Done(run, known["summary"])
        if resumed and known["event"] in BROKEN_OFF:
            break
        attempt += 1
        run = f"{base}.{attempt}"
    distributed.same("the next run", f"{run}, to be done")
    folder = job.store.folder / ("evaluations" if kind == "eval" else "checkpoints") / run
    with held(folder) if resumed else nullcontext():
        runs.begin(
            job.store,
            kind,
            run=run,
            stage=stage,
            config=config,
            seed=config.get("seed"),
            inputs=read,
            parent=parent,
        )
        job.began(stage, run)
        before = known["summary"].get("seconds", 0.0) if known and known["summary"] else 0.0
        started = time.monotonic()

        def taken() -> dict[str, Any]:
            return {"seconds": round(before + time.monotonic() - started, 1)}

        with runs.told_of(job.store, run, taken):
            summary = work(run) | taken()
        runs.end(job.store, run, "done", summary)
        shutil.rmtree(job.folder / run / "state", ignore_errors=True)
    return Done(run, summary)


def refuse_another(
    job: Job, base: str, kind: str, config: dict[str, Any], read: dict[str, str]
) -> None:
    """Raise UserError unless `job.resume` is the run that would be gone on with."""
    name = str(job.resume)
    known = runs.state(job.store, name)
    if known is None or known["kind"] != kind:
        raise UserError(
            f"there is no {kind} run {name!r} to go on with. Give the command without --resume:"
            " it goes on by itself with a run that was broken off."
        )
    refuse_others(
        f"run {name}",
        {"config": known["config"], "read": known["inputs"]},
        {"config": config, "read": read},
    )
    if not name.startswith(base):
        raise UserError(f"run {name} cannot go on: a package that trains has another version.")


def is_there(job: Job, summary: dict[str, Any]) -> bool:
    """Whether the model or the export that a stage made is still where it was put."""
    made = [model_of(job.store, summary)] if "model" in summary else []
    made += [Path(summary["path"])] if "path" in summary else []
    return all(folder.is_dir() for folder in made)


def model_of(store: Store, summary: dict[str, Any]) -> Path:
    """The folder of the model that a stage made; kept relative to its store, which may move."""
    return store.folder / summary["model"]


def kept_path(job: Job, path: Path) -> str:
    """`path`, which lies in the store, as the store keeps it."""
    return path.relative_to(job.store.folder).as_posix()
