"""`export`: write a model as a Hugging Face folder."""

from pathlib import Path
from typing import Any

import click

from workbench.cli import Answer, Folder, verb
from workbench.cli.commands.training.job import open_job
from workbench.cli.commands.training.options import model_option, training_options
from workbench.cli.output import tables


@verb
@training_options
@model_option("the newest grpo run")
@click.option("--out", type=Folder(), help="folder to write")
def export(folder: Path, model: str | None, out: Path | None, **options: Any) -> Answer:
    """Write a model as a Hugging Face folder, and check it.

    The generations of the written model are compared with those of the model in memory.
    """
    with open_job(folder, **options) as job:
        from pipeline.job import stages
        from pipeline.model import model_folder
        from workbench.lookup import latest_model, starting_model

        base = starting_model(job.store, model) if model else latest_model(job.store, "grpo")
        model_folder(base.model)
        stages.prepare(job, problems=True)
        target = out or folder / "exports" / (base.run or Path(base.model).name)
        done = stages.export_model(job, base.model, target, base.run)
    return {"run": done.run, **done.summary}, tables.counts("Exported")
