"""`eval`: answer the test problems with a model, and grade the answers."""

from pathlib import Path
from typing import Any

from pipeline.config import EvalConfig
from workbench.cli import Answer, verb
from workbench.cli.commands.evaluation.served import (
    ServedModel,
    evaluate_served_model,
    served_options,
)
from workbench.cli.commands.training import (
    model_option,
    open_job,
    require_model,
    training_options,
)
from workbench.cli.knob_flags import knob_flags
from workbench.cli.output import tables


@verb
@training_options
@knob_flags(EvalConfig, "eval")
@served_options
@model_option("the preset's; with --served its name on the server")
def eval_(folder: Path, model: str | None, served: ServedModel | None, **options: Any) -> Answer:
    """Answer the test problems with a model, and grade the answers."""
    if served is not None:
        options.pop("allow_other_device")  # nothing runs here
        return evaluate_served_model(folder, model, served, **options)
    with open_job(folder, **options) as job:
        from evals.comparison import compare
        from pipeline.job import stages
        from workbench.lookup import starting_model

        start = starting_model(job.store, model or job.preset.model.model)
        require_model(start.model)
        stages.prepare(job, problems=True)
        done = stages.evaluate(job, start.stage, start.model, start.run)
        rows = compare.stages(job.store, [done.run], job.preset.eval.grader)
    value = {"run": done.run, **done.summary, "stages": rows}
    return value, tables.evaluated
