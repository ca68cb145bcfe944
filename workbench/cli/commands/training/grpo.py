"""`grpo`: reinforcement learning with group-relative advantages."""

import sys
from pathlib import Path
from typing import Any

from pipeline.config import GrpoConfig
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
@knob_flags(GrpoConfig, "grpo")
@model_option("the newest sft or dpo run")
@resume_option
def grpo(folder: Path, model: str | None, preflight: bool, **options: Any) -> Answer:
    """GRPO: reinforcement learning on the preset's train problems.

    It rewards correct answers in the response format.
    """
    with open_job(folder, **options) as job:
        from pipeline.job import stages
        from workbench.jobs import GRPO, refuse_what_does_not_fit
        from workbench.lookup import latest_model, starting_model, too_short_for

        newest = ("dpo", "sft")
        base = starting_model(job.store, model) if model else latest_model(job.store, *newest)
        if preflight:
            refuse_what_does_not_fit(job.preset, base.model, GRPO)
        if why := too_short_for(job.store, base, job.preset):
            print(f"Warning: {why}.", file=sys.stderr)
        require_model(base.model)
        stages.prepare(job, problems=True)
        done = stages.train_grpo(job, base.model, base.run)
    return {"run": done.run, **done.summary}, tables.counts("GRPO")
