"""`eval`: answer problems with a model, and grade the answers."""

import sys
from pathlib import Path
from typing import Any

from data.errors import UserError
from pipeline.config import EvalConfig
from workbench.cli import Answer, verb
from workbench.cli.commands.evaluation.served import (
    ServedModel,
    evaluate_served_model,
    served_options,
    subset_to_answer,
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
    _check_problems(options)
    if served is not None:
        for name in ("allow_other_device", "accept_code_change"):  # nothing runs here
            options.pop(name)
        return evaluate_served_model(folder, model, served, **options)
    with open_job(folder, **options) as job:
        from evals.comparison import compare
        from pipeline.job import stages
        from workbench.lookup import starting_model

        subset = subset_to_answer(job.store, job.preset, options)
        start = starting_model(job.store, model or job.preset.model.model)
        require_model(start.model)
        stages.prepare(job, problems=True)
        done = stages.evaluate(job, start.stage, start.model, start.run, subset)
        rows = compare.stages(job.store, [done.run], job.preset.eval.grader)
    value = {"run": done.run, **done.summary, "stages": rows}
    return value, tables.evaluated


def _check_problems(options: dict[str, Any]) -> None:
    """Refuse a subset beside the test split; say what is sampled and of which problems."""
    assignments, flag = options["assignments"], options["changes"]["eval"].get("split")
    preset = changed_preset(options["preset"], options["changes"], assignments, options["seed"])
    subset = options["problem_subset"] or preset.data.problem_subset
    given = options["problem_subset"]
    without = "leave out --problem-subset" if given else "--set data.problem_subset="
    if subset and (flag == "test" or (flag is None and "eval.split=test" in assignments)):
        raise UserError(
            f"the split is test, and the subset {subset} holds train problems; expected one of the"
            " two. Leave out the split to answer the subset, or answer the test split without it:"
            f" {without}"
        )
    if subset and not options["problem_subset"]:
        print(
            f"Answering the subset {subset} of train problems (data.problem_subset); for the test"
            " split: --set data.problem_subset=",
            file=sys.stderr,
        )
    if preset.eval.samples > 1:
        print(
            f"Sampling {preset.eval.samples} answers to each problem at temperature"
            f" {preset.eval.temperature:g}.",
            file=sys.stderr,
        )
