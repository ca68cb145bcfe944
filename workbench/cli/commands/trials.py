"""The verb that asks whether a subset is better than a random one of the same size."""

from pathlib import Path
from typing import Any

import click

from data.errors import UserError
from workbench.cli import Answer, job_of, not_empty, preflighted, training, verb
from workbench.cli.output import trials
from workbench.jobs import EVAL, GRPO, SFT, refuse_what_does_not_fit

METRICS = ("answer", "format", "partial")
STAGES = ("sft", "grpo")


@verb
@click.argument("name", metavar="SUBSET")
@click.option(
    "--against", default="random", show_default=True, metavar="random|SUBSET",
    callback=not_empty, help="random: drawn anew for each seed, with as many tokens",
)  # fmt: skip
@click.option(
    "--seeds", type=click.IntRange(2, 50), default=3, show_default=True, help="runs of each arm"
)
@click.option("--metric", type=click.Choice(METRICS), default="answer", show_default=True)
@click.option("--stage", type=click.Choice(STAGES), default="sft", show_default=True)
@click.option(
    "--model", callback=not_empty, help="to start from; by default the preset's, or for problems"
    " the newest sft run",
)  # fmt: skip
@training
@preflighted
def ab(
    folder: Path,
    name: str,
    against: str,
    seeds: int,
    metric: str,
    stage: str,
    model: str | None,
    preflight: bool,
    **chosen: Any,
) -> Answer:
    """Train on SUBSET and on random ones, and compare the outcomes.

    Several seeds each: is the difference more than luck? A subset of problems is compared after
    --stage grpo. What is trained already is not trained again: more seeds may be added later.
    """
    if chosen.get("subset") or chosen.get("problem_subset"):
        raise UserError("`ab` takes one subset by its name and draws the other; leave out --subset")
    from data.subsets import subset
    from workbench.lookup import existing_store, latest_model, starting_model

    store = existing_store(folder)
    of = subset(store, name).of  # before jax: says no at once
    if against != "random":
        subset(store, against)
    with job_of(folder, **chosen) as job:
        from pipeline.job import Trial, ab

        if of == "problems":
            begin = starting_model(job.store, model) if model else latest_model(job.store, "sft")
        else:
            begin = starting_model(job.store, model or job.preset.model.model)
        if preflight:
            trained = SFT * (of == "records") + GRPO * (stage == "grpo")
            refuse_what_does_not_fit(job.preset, begin.model, trained + EVAL)
        value = ab(job, Trial(name, against, seeds, metric, stage), begin.model)
    return value, trials.verdict
