"""`export`: write a model as a Hugging Face folder, or its adapter as PEFT reads it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from data.errors import UserError
from workbench.cli import Answer, Folder, not_empty, verb
from workbench.cli.commands.training.job import open_job
from workbench.cli.commands.training.options import model_option, training_options
from workbench.cli.output import tables

if TYPE_CHECKING:
    from pipeline.job import Done, Job
    from workbench.lookup import StartingModel


@verb
@training_options
@model_option("the newest grpo run")
@click.option(
    "--as",
    "form",
    type=click.Choice(["model", "adapter"]),
    default="model",
    show_default=True,
    help="the merged weights, or what was trained, for PEFT",
)
@click.option(
    "--base",
    callback=not_empty,
    help="of an adapter: what the first run started from; by default the preset's model",
)
@click.option("--out", type=Folder(), help="folder to write")
def export(
    folder: Path, model: str | None, form: str, base: str | None, out: Path | None, **options: Any
) -> Answer:
    """Write a model as a Hugging Face folder, and check it.

    The generations of the written model are compared with those of the model in memory. As an
    adapter: LoRA matrices for the base model, of all stages together, whose sum with the base's
    weights is compared with the merged weights.
    """
    if base and form == "model":
        raise click.UsageError("--base belongs to --as adapter")
    with open_job(folder, **options) as job:
        from workbench.lookup import latest_model, starting_model

        start = starting_model(job.store, model) if model else latest_model(job.store, "grpo")
        done = _export(job, start, form, base, out)
    return {"run": done.run, **done.summary}, tables.counts("Exported")


def _export(
    job: "Job", start: "StartingModel", form: str, base: str | None, out: Path | None
) -> "Done":
    from pipeline.job import export_stage, stages
    from pipeline.model import model_folder
    from workbench.lookup import adapter_folder

    if form == "adapter":
        if start.run is None:
            raise UserError(
                f"{start.model} is no run of the store; expected --model RUN, whose adapter it is"
            )
        target = out or adapter_folder(job.store, start.run)
        return export_stage.export_adapter(job, start.run, base or job.preset.model.model, target)
    model_folder(start.model)
    stages.prepare(job, problems=True)
    target = out or job.store.folder / "exports" / (start.run or Path(start.model).name)
    return stages.export_model(job, start.model, target, start.run)
