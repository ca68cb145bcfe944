"""`sft`: supervised fine-tuning."""

import sys
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
        from pipeline.batches import disagreement
        from pipeline.job import stages
        from pipeline.job.training import lengths_of
        from workbench.jobs import SFT, refuse_what_does_not_fit
        from workbench.lookup import starting_model

        base = starting_model(job.store, model or job.preset.model.model)
        if preflight:
            refuse_what_does_not_fit(job.preset, base.model, SFT)
        require_model(base.model)  # before any row is read
        counts = stages.prepare(job, records=True)
        converter = stages.converter_of(job, counts)
        lengths = lengths_of(job, base.model, converter)
        if why := disagreement(lengths, job.preset):
            print(f"Warning: {why}.", file=sys.stderr)
        done = stages.train_sft(job, base.model, converter)
    # beside the limits of today, also where the run was finished under others
    value = {"run": done.run, **done.summary, "completion_tokens": lengths.to_json()}
    return value, tables.counts("SFT")
