"""A stage of the main job as one run of the store, found again by its fingerprint.

A stage whose run is done, with the same configuration, inputs and code, is not run again. A
stage that was broken off starts anew under a new attempt; what the old one wrote stays.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data import runs
from data.store import Store
from pipeline import inputs
from pipeline.config import Preset

# name of the stage -> a function that is told (step, of, numbers to show)
Progress = Callable[[str], Callable[[int, int, dict[str, float]], None]]


@dataclass(frozen=True)
class Job:
    """What every stage of one main job shares."""

    store: Store
    preset: Preset
    progress: Progress

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
) -> Done:
    """Run `work` as a run of the store, or find the finished run with the same fingerprint."""
    config |= {"dtype": job.preset.model.dtype}
    print_of = runs.fingerprint(
        kind=kind, stage=stage, config=config, inputs=read, code=inputs.hash_of_code()
    )
    base = f"{kind}-{print_of[:12]}" if kind == stage else f"{kind}-{stage}-{print_of[:12]}"
    run, attempt = base, 1
    while (known := runs.state(job.store, run)) is not None:
        if known["event"] == "done" and is_there(job, known["summary"]):
            return Done(run, known["summary"])
        attempt += 1
        run = f"{base}.{attempt}"
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
    started = time.monotonic()
    with runs.told_of(job.store, run):
        summary = work(run) | {"seconds": round(time.monotonic() - started, 1)}
    runs.end(job.store, run, "done", summary)
    return Done(run, summary)


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
