"""`tokens`: each token of a completion under a model, coloured by what the model thinks of it."""

from functools import partial
from pathlib import Path

import click

from data.errors import UserError
from workbench.cli import Answer, not_empty, verb
from workbench.cli.commands.training import require_training_packages
from workbench.cli.output import tokens as output

COLOURS = ("logp", "entropy", "kl", "mismatch")


@verb
@click.argument("generation", required=False, callback=not_empty)
@click.option("--run", callback=not_empty, help="the run of the generation, or of the rollout")
@click.option(
    "--rollout",
    nargs=3,
    type=int,
    metavar="STEP GROUP SAMPLE",
    help="a rollout of --run, in place of a generation",
)
@click.option(
    "--model",
    callback=not_empty,
    help="run, 'tiny', folder or hub id; by default the one that wrote the text",
)
@click.option(
    "--against",
    metavar="MODEL",
    callback=not_empty,
    help="a reference, for the KL divergence of each token",
)
@click.option(
    "--sampler",
    is_flag=True,
    help="let the sampler write the text again, to compare its probabilities",
)
@click.option(
    "--by",
    type=click.Choice(COLOURS),
    default="logp",
    show_default=True,
    help="what the colours show",
)
def tokens(
    folder: Path,
    generation: str | None,
    run: str | None,
    rollout: tuple[int, int, int] | None,
    model: str | None,
    against: str | None,
    sampler: bool,
    by: str,
) -> Answer:
    """Score each token of GENERATION (an id or its beginning): log-probability, entropy, KL.

    A rollout is scored under the model that its run ended with, not under that of its step.
    """
    if (generation is None) == (rollout is None) or (rollout and not run):
        raise UserError("expected a generation's id, or --run RUN --rollout STEP GROUP SAMPLE")
    if (by == "kl" and not against) or (by == "mismatch" and not sampler):
        needed = "--against MODEL" if by == "kl" else "--sampler"
        raise UserError(f"--by {by} needs {needed}")
    from workbench.lookup import existing_store
    from workbench.playground import generation_row, rollout_row, token_scores

    store = existing_store(folder)
    row = (
        rollout_row(store, run or "", *rollout)
        if rollout
        else generation_row(store, generation or "", run)
    )
    require_training_packages()
    from workbench.cli.quiet import quiet

    quiet()
    return token_scores(store, row, model, against, sampler), partial(output.tokens, by=by)
