"""`sft`: supervised fine-tuning."""

from pathlib import Path
from typing import Any

from pipeline.config import SftConfig
from workbench.cli import Answer, verb
from workbench.cli.commands.training.job import open_job, require_model
from workbench.cli.commands.training.options import (
    model_option,
    preflight_option,
    resume_option,
    training_options,
)
from workbench.cli.knob_flags import knob_flags
from workbench.cli.output import tables


@verb
@training_options
@preflight_option
@knob_flags(SftConfig, "sft")
@model_option("the preset's")
@resume_option
def sft(folder: Path, model: str | None, preflight: bool, **options: Any) -> Answer:
    """SFT: supervised fine-tuning on the preset's records.

    It teaches the response format.
    """
    with open_job(folder, **options) as job:
        from pipeline.job import stages
        from workbench.jobs import SFT, refuse_what_does_not_fit
        from workbench.lookup import starting_model

        base = starting_model(job.store, model or job.preset.model.model)
        if preflight:
            refuse_what_does_not_fit(job.preset, base.model, SFT)
        require_model(base.model)  # before any row is read
        counts = stages.prepare(job, records=True)
        done = stages.train_sft(job, base.model, stages.converter_of(job, counts))
    return {"run": done.run, **done.summary}, tables.counts("SFT")
