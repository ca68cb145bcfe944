"""`run`: the full pipeline."""

from pathlib import Path
from typing import Any

from workbench.cli import Answer, verb
from workbench.cli.commands.training.job import open_job, require_model
from workbench.cli.commands.training.options import preflight_option, training_options
from workbench.cli.output import tables


@verb
@training_options
@preflight_option
def run(folder: Path, preflight: bool, **options: Any) -> Answer:
    """The full pipeline, from rows to an exported model.

    Ingest, convert, evaluate, SFT, evaluate, GRPO, evaluate, export.
    """
    with open_job(folder, **options) as job:
        from pipeline.job import stages
        from workbench.jobs import EVAL, GRPO, SFT, refuse_what_does_not_fit

        if preflight:
            refuse_what_does_not_fit(job.preset, job.preset.model.model, (*SFT, *GRPO, *EVAL))
        require_model(job.preset.model.model)
        value = stages.run_all(job)
    return value, tables.run_result
