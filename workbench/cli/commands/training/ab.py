"""`ab`: an A/B trial, whether a subset is better than a random one of the same size."""

import sys
from pathlib import Path
from typing import Any

import click

from data.errors import UserError
from workbench.cli import Answer, not_empty, verb
from workbench.cli.commands.training.job import open_job, require_model
from workbench.cli.commands.training.options import (
    model_option,
    preflight_option,
    training_options,
)
from workbench.cli.output import comparisons

METRICS = ("answer", "format", "partial")
STAGES = ("sft", "grpo")


@verb
@click.argument("name", metavar="SUBSET")
@click.option(
    "--against", default="random", show_default=True, metavar="random|SUBSET",
    callback=not_empty, help="control; random: sampled for each seed, with as many tokens",
)  # fmt: skip
@click.option(
    "--seeds", type=click.IntRange(2, 50), default=3, show_default=True, help="runs of each arm"
)
@click.option("--metric", type=click.Choice(METRICS), default="answer", show_default=True)
@click.option(
    "--stage",
    type=click.Choice(STAGES),
    default="sft",
    show_default=True,
    help="after which the models are evaluated",
)
@model_option("the preset's, or for problems the newest sft run")
@training_options
@preflight_option
def ab(
    folder: Path,
    name: str,
    against: str,
    seeds: int,
    metric: str,
    stage: str,
    model: str | None,
    preflight: bool,
    **options: Any,
) -> Answer:
    """Train on SUBSET and on random subsets, and compare the results.

    Several seeds each: is the difference more than chance? A subset of problems is compared after
    --stage grpo. Finished runs are not trained again: more seeds may be added later.
    """
    if options.get("subset") or options.get("problem_subset"):
        raise UserError(
            "`ab` takes one subset by its name and samples the other; leave out --subset and"
            " --problem-subset"
        )
    from data.subsets import subset
    from workbench.lookup import existing_store, latest_model, starting_model

    store = existing_store(folder)
    of = subset(store, name).of  # before jax: errors are reported at once
    if against != "random":
        subset(store, against)
    with open_job(folder, **options) as job:
        if of == "records" and job.preset.data.records_filter:
            print("Both arms are subsets: the preset's filter is not applied.", file=sys.stderr)
        from pipeline.job import Trial, ab
        from workbench.jobs import EVAL, GRPO, SFT, refuse_what_does_not_fit

        if of == "problems":
            base = starting_model(job.store, model) if model else latest_model(job.store, "sft")
        else:
            base = starting_model(job.store, model or job.preset.model.model)
        if preflight:
            trained = SFT * (of == "records") + GRPO * (stage == "grpo")
            refuse_what_does_not_fit(job.preset, base.model, trained + EVAL)
        require_model(base.model)
        value = ab(job, Trial(name, against, seeds, metric, stage), base.model)
    return value, comparisons.trial
