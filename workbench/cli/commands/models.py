"""Verbs that train a model or run one."""

from pathlib import Path
from typing import Any

import click

from pipeline.config import EvalConfig, GrpoConfig, SftConfig
from workbench.cli import (
    Answer,
    Serving,
    evaluated,
    job_of,
    knobs,
    not_empty,
    preflighted,
    serving,
    training,
    verb,
)
from workbench.cli.output import tables
from workbench.jobs import EVAL, GRPO, SFT, refuse_what_does_not_fit

GO_ON = "go on with this run, or say what changed; by default a broken-off one is found"


@verb
@training
@preflighted
@knobs(SftConfig, "sft")
@click.option(
    "--model", callback=not_empty, help="run, 'tiny', folder or hub id; by default the preset's"
)
@click.option("--resume", metavar="RUN", callback=not_empty, help=GO_ON)
def sft(folder: Path, model: str | None, preflight: bool, **chosen: Any) -> Answer:
    """Teach the format: supervised fine-tuning on the preset's records."""
    with job_of(folder, **chosen) as job:
        from pipeline.job import stages
        from pipeline.model import model_folder
        from workbench.lookup import starting_model

        begin = starting_model(job.store, model or job.preset.model.model)
        if preflight:
            refuse_what_does_not_fit(job.preset, begin.model, SFT)
        model_folder(begin.model)  # before any row is read
        counts = stages.prepare(job)
        converter = counts[job.preset.data.records]["convert"]["converter"]
        done = stages.train_sft(job, begin.model, converter)
    return {"run": done.run, **done.summary}, tables.counts("SFT")


@verb
@training
@preflighted
@knobs(GrpoConfig, "grpo")
@click.option(
    "--model",
    callback=not_empty,
    help="run, 'tiny', folder or hub id; by default the newest sft run",
)
@click.option("--resume", metavar="RUN", callback=not_empty, help=GO_ON)
def grpo(folder: Path, model: str | None, preflight: bool, **chosen: Any) -> Answer:
    """Strengthen the reasoning: GRPO on the preset's train problems."""
    with job_of(folder, **chosen) as job:
        from pipeline.job import stages
        from pipeline.model import model_folder
        from workbench.lookup import latest_model, starting_model

        begin = starting_model(job.store, model) if model else latest_model(job.store, "sft")
        if preflight:
            refuse_what_does_not_fit(job.preset, begin.model, GRPO)
        model_folder(begin.model)
        stages.prepare(job)
        done = stages.train_grpo(job, begin.model, begin.run)
    return {"run": done.run, **done.summary}, tables.counts("GRPO")


@verb
@training
@knobs(EvalConfig, "eval")
@serving
@click.option(
    "--model",
    callback=not_empty,
    help="run, 'tiny', folder or hub id, or its name on the server; by default the preset's",
)
def eval_(folder: Path, model: str | None, served: Serving | None, **chosen: Any) -> Answer:
    """Answer the test problems with a model, and grade the answers."""
    if served is not None:
        return evaluated(folder, model, served, **chosen)
    with job_of(folder, **chosen) as job:
        from evals.comparison import compare
        from pipeline.job import stages
        from pipeline.model import model_folder
        from workbench.lookup import starting_model

        begin = starting_model(job.store, model or job.preset.model.model)
        model_folder(begin.model)
        stages.prepare(job)
        done = stages.evaluate(job, begin.stage, begin.model, begin.run)
        rows = compare.stages(job.store, [done.run], job.preset.eval.grader)
    value = {"run": done.run, **done.summary, "stages": rows}
    return value, tables.evaluated


@verb
@training
@click.option(
    "--model",
    callback=not_empty,
    help="run, 'tiny', folder or hub id; by default the newest grpo run",
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="folder to write")
def export(folder: Path, model: str | None, out: Path | None, **chosen: Any) -> Answer:
    """Write a model as a Hugging Face folder, and check it.

    What the folder generates is compared with what the model in memory does.
    """
    with job_of(folder, **chosen) as job:
        from pipeline.job import stages
        from pipeline.model import model_folder
        from workbench.lookup import latest_model, starting_model

        begin = starting_model(job.store, model) if model else latest_model(job.store, "grpo")
        model_folder(begin.model)
        stages.prepare(job)
        target = out or folder / "exports" / (begin.run or Path(begin.model).name)
        done = stages.export_model(job, begin.model, target, begin.run)
    return {"run": done.run, **done.summary}, tables.counts("Exported")


@verb
@training
@preflighted
def run(folder: Path, preflight: bool, **chosen: Any) -> Answer:
    """The whole job, from rows to an exported model.

    Ingest, convert, evaluate, SFT, evaluate, GRPO, evaluate, export.
    """
    with job_of(folder, **chosen) as job:
        from pipeline.job import stages

        if preflight:
            refuse_what_does_not_fit(job.preset, job.preset.model.model, (*SFT, *GRPO, *EVAL))
        value = stages.run_all(job)
    return value, tables.run_result
