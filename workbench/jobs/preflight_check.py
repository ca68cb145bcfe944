"""The check before training starts: whether its steps fit the chip of the preset.

It estimates at once and without jax; `thinkbench preflight` reports more, and asks the compiler.
"""

import sys
from typing import TYPE_CHECKING

from data.errors import UserError
from data.progress import no_progress
from pipeline.config import Preset

if TYPE_CHECKING:
    from pipeline.preflight import Proposal, StepNeeds

GIB = 2**30
# the words with which the names of a stage's steps begin
SFT = ("sft",)
DPO = ("dpo", "heldout")
GRPO = ("rollout", "reference", "old policy", "grpo", "heldout")
EVAL = ("eval",)


def refuse_what_does_not_fit(preset: Preset, model: str, step_names: tuple[str, ...]) -> None:
    """Raise UserError where a step needs more memory than the preset's chip has.

    model: the one that training starts from, by name, folder or hub id
    step_names: the beginnings of the names of the steps that are run, such as SFT

    A preset without a chip is not checked, with a message: where it will run is unknown.
    """
    from pipeline.preflight import chip_of, has_known_sizes, needs_of_steps, steps_of
    from pipeline.preflight.proposals import proposals

    if not has_known_sizes(model):
        from pipeline.model import model_folder  # loads jax, and fetches what training needs anyway

        model = str(model_folder(model))
    if not preset.model.chip:
        print(
            f"Memory is not checked: the preset {preset.name!r} names no chip. Name it: --set"
            " model.chip=h100, or chip in the table [model] of its file.",
            file=sys.stderr,
        )
        return
    chip = chip_of(preset.model.chip)
    with_model = preset.with_knobs("model", model=model)
    steps = [step for step in steps_of(with_model) if step.name.startswith(step_names)]
    estimates = needs_of_steps(steps, with_model, chip, use_compiler=False, progress=no_progress)
    too_large = [one for one in estimates if not one.needs.fits]
    if not too_large:
        return
    alternatives = {one.step: one for one in proposals(with_model, too_large, chip)}
    raise UserError(
        f"preset {preset.name} does not fit {chip.name}, which has {chip.memory / GIB:.2f} GiB"
        " (estimated, right to about 20 %):\n"
        + "".join(f"  {_line(one, alternatives[one.step.name])}\n" for one in too_large)
        + "To start nevertheless: --no-preflight. To ask the chip's compiler: `thinkbench preflight"
        " --compile` with the same --preset and --set."
    )


def _line(estimate: "StepNeeds", proposal: "Proposal") -> str:
    needs = f"{estimate.step.name} needs {estimate.needs.peak / GIB:.2f} GiB on each chip"
    if proposal.peak is None:
        return f"{needs}; no smaller batch or length fits: shard the model over more chips"
    options = " ".join(f"--set {assignment}" for assignment in proposal.assignments)
    return f"{needs}; about {proposal.peak / GIB:.2f} with {options}"
