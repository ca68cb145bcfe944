"""The job that a training command works on: its preset, store, progress, and when it stops."""

import contextlib
import importlib.util
import os
import sys
import time
from pathlib import Path
from typing import Any

from pipeline.config import Preset
from workbench.cli.commands.training.options import chosen_preset
from workbench.formatting import TRAINING_PACKAGES, visible


def require_training_packages() -> None:
    """Raise ModuleNotFoundError for the first training package that is not installed."""
    for name in TRAINING_PACKAGES:
        if importlib.util.find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def require_model(name: str) -> None:
    """Fetch the model `name` before any row is read; say so where it is a base model."""
    from pipeline.model import has_chat_template, model_folder

    if not has_chat_template(model_folder(name)):
        print(
            f"{visible(name)} has no chat template, as a base model: questions are put in Gemma's"
            " turns (<start_of_turn>user ...).",
            file=sys.stderr,
        )


def _use_devices(preset: Preset, allow_other: bool) -> None:
    """Say on what the command runs; UserError where that is not what the preset is for."""
    from pipeline.preflight import described, devices_here, hosts, refuse_other_devices, unused

    devices, processes, model = devices_here(), hosts(), preset.model
    chips = model.fsdp * model.tensor_parallel
    if not allow_other:
        refuse_other_devices(preset.name, model.chip, devices, chips, processes)
    rest = unused(model.chip, devices, chips, processes)
    print(f"Running on {described(devices)}.{rest}", file=sys.stderr)


@contextlib.contextmanager
def open_job(
    folder: Path,
    *,
    time_limit: float | None,
    allow_other_device: bool,
    logs: tuple[str, ...] = (),
    resume: str | None = None,
    accept_code_change: bool | None = None,
    **options: Any,
):
    """Yield the job, with progress bars on standard error.

    time_limit: [seconds] from now   options: of `chosen_preset`
    """
    started = time.monotonic()
    preset = chosen_preset(folder, **options)  # before jax: errors are reported at once
    require_training_packages()  # before a store is created that the command cannot use
    from data.store import open_store
    from workbench.cli import announce, bars
    from workbench.cli.quiet import quiet
    from workbench.jobs import current_progress_file

    store = open_store(folder)
    quiet()
    from pipeline import distributed  # loads jax, so only here

    distributed.join(os.environ)
    _use_devices(preset, allow_other_device)
    from pipeline.job import Job
    from pipeline.stopping import Stop

    stop = Stop(None if time_limit is None else started + time_limit, distributed.any_of)
    with bars() as bar:

        def on_start(stage: str, run: str) -> None:
            current_progress_file().add_run(stage, run)
            announce(stage, run)

        yield Job(store, preset, bar, stop, resume, logs, on_start, accept_code_change)
