"""`eval`: answer problems with a model, and grade the answers."""

import sys
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
from workbench.lookup import changed_preset


@verb
@training_options
@knob_flags(EvalConfig, "eval")
@served_options
@model_option("the preset's; with --served its name on the server")
def eval_(folder: Path, model: str | None, served: ServedModel | None, **options: Any) -> Answer:
    """Answer problems with a model, and grade the answers.

    Those of the test split. With --split train or --problem-subset the answers are no held-out
    score: they give pass rates, by which to choose problems for GRPO, and reasoning to learn from.
    """
    _tell_sampling(options)
    if served is not None:
        for name in ("allow_other_device", "accept_code_change"):  # nothing runs here
            options.pop(name)
        return evaluate_served_model(folder, model, served, **options)
    with open_job(folder, **options) as job:
        from evals.comparison import compare
        from pipeline.job import stages
        from workbench.lookup import starting_model

        start = starting_model(job.store, model or job.preset.model.model)
        require_model(start.model)
        stages.prepare(job, problems=True)
        subset = job.preset.data.problem_subset if options["problem_subset"] else ""
        done = stages.evaluate(job, start.stage, start.model, start.run, subset)
        rows = compare.stages(job.store, [done.run], job.preset.eval.grader)
    value = {"run": done.run, **done.summary, "stages": rows}
    return value, tables.evaluated


def _tell_sampling(options: dict[str, Any]) -> None:
    config = changed_preset(
        options["preset"], options["changes"], options["assignments"], options["seed"]
    ).eval
    if config.samples > 1:
        print(
            f"Sampling {config.samples} answers to each problem at temperature"
            f" {config.temperature:g}.",
            file=sys.stderr,
        )
