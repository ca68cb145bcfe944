"""The check before training starts: whether its steps fit the chip that the preset is named after.

By arithmetic, at once and without jax; `thinkbench preflight` says more, and asks the compiler.
"""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from data.errors import UserError
from data.progress import no_progress
from pipeline.config import Preset

if TYPE_CHECKING:
    from pipeline.preflight import Proposal, Said

GIB = 2**30
# the words that begin the names of the steps that a stage takes
SFT = ("sft",)
GRPO = ("rollout", "reference", "grpo", "heldout")
EVAL = ("eval",)
HELP = "whether to start only what fits the chip of the preset, by arithmetic"


def preflighted(command: Callable[..., Any]) -> Callable[..., Any]:
    """The switch of every verb that trains; it receives `preflight`."""
    switch = click.option("--preflight/--no-preflight", default=True, show_default=True, help=HELP)
    return switch(command)


def refuse_what_does_not_fit(preset: Preset, model: str, takes: tuple[str, ...]) -> None:
    """Raise DoesNotFit where a step that is taken needs more than the preset's chip has.

    model: what is started from, by name, folder or hub id. A preset that is named after no chip is
    not checked, which is said: where it will run is not known.
    """
    from pipeline.preflight import BadChip, chip_of, known_by_name, said_of, steps_of
    from pipeline.preflight.proposals import proposals

    if not known_by_name(model):
        from pipeline.model import gemma3  # loads jax, and fetches what training needs anyway

        model = str(gemma3.checked(model))
    try:
        chip = chip_of(preset.name)
    except BadChip:
        print(
            f"Not checked whether it fits: the preset {preset.name!r} is named after no chip."
            " `thinkbench preflight --chip NAME` says it.",
            file=sys.stderr,
        )
        return
    started = preset.with_knobs("model", model=model)
    steps = [step for step in steps_of(started) if step.name.startswith(takes)]
    said = list(said_of(steps, started, chip, compile=False, progress=no_progress))
    over = [one for one in said if not one.needs.fits]
    if not over:
        return
    found = {one.step: one for one in proposals(started, over, chip)}
    raise UserError(
        f"preset {preset.name} does not fit {chip.name}, which has {chip.memory / GIB:.2f} GiB"
        " (by arithmetic, to about a fifth):\n"
        + "".join(f"  {_line(one, found[one.step.name])}\n" for one in over)
        + "Start all the same with --no-preflight. `thinkbench preflight --compile` with the same"
        " --preset and --set asks the chip's compiler."
    )


def _line(one: "Said", proposal: "Proposal") -> str:
    needs = f"{one.step.name} needs {one.needs.peak / GIB:.2f} GiB on each chip"
    if proposal.peak is None:
        return f"{needs}; no smaller batch or length fits: shard the model over more chips"
    options = " ".join(f"--set {assignment}" for assignment in proposal.assignments)
    return f"{needs}; about {proposal.peak / GIB:.2f} with {options}"
