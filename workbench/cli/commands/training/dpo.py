"""`dpo`: training on preference pairs."""

from pathlib import Path
from typing import Any

import click

from data.errors import UserError
from pipeline.config import DpoConfig
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
@click.option(
    "--pairs-of",
    "answers",
    multiple=True,
    metavar="RUN",
    help="run whose answers to train problems are paired; may be repeated; by default the model"
    " samples its own",
)
@training_options
@preflight_option
@knob_flags(DpoConfig, "dpo")
@model_option("the newest sft run")
@resume_option
def dpo(
    folder: Path, model: str | None, preflight: bool, answers: tuple[str, ...], **options: Any
) -> Answer:
    """DPO: training on pairs of a correct and an incorrect answer.

    Both are answers to one train problem. The stage stands between SFT and GRPO; it also has the
    losses IPO and ORPO.
    """
    if answers and options["resume"]:
        raise UserError(
            "--resume goes on with the pairs that the run has stored; leave out --pairs-of"
        )
    with open_job(folder, **options) as job:
        from pipeline.job import stages
        from pipeline.job.training import train_dpo
        from workbench.jobs import DPO, EVAL, refuse_what_does_not_fit
        from workbench.lookup import latest_model, starting_model

        base = starting_model(job.store, model) if model else latest_model(job.store, "sft")
        samples = not (answers or job.resume)
        if preflight:
            in_run = job.preset.with_knobs("dpo", in_run=True)
            refuse_what_does_not_fit(in_run, base.model, (*DPO, *(EVAL if samples else ())))
        require_model(base.model)
        stages.prepare(job, problems=True)
        if samples:
            answers = (stages.sample_answers(job, base.stage, base.model, base.run).run,)
        done = train_dpo(job, base.model, base.run, answers)
    return {"run": done.run, "pairs_of": list(answers), **done.summary}, tables.counts("DPO")
