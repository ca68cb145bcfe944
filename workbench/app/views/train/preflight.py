"""The preflight on the Train page: whether a run fits in the memory of its chip."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from data.errors import UserError
from pipeline.config import Preset
from pipeline.preflight import Chip, StepNeeds, chip_of, needs_of_steps, seconds, steps_of
from pipeline.preflight.proposals import proposals
from workbench.app import state
from workbench.app.components import choices
from workbench.app.components.table import table
from workbench.formatting import duration
from workbench.jobs import DPO, EVAL, GRPO, SFT

GIB = 2**30
# verb -> the steps of a full run that it runs; export trains nothing
OF_VERB = {"run": (*EVAL, *SFT, *DPO, *GRPO), "sft": SFT, "dpo": (*EVAL, *DPO), "grpo": GRPO,
           "eval": EVAL, "export": ()}  # fmt: skip


def steps_run(words: Sequence[str]) -> tuple[str, ...]:
    """The first words of the names of the steps that the command runs."""
    if words[0] != "ab":
        return OF_VERB[words[0]]
    after = words[words.index("--stage") + 1]
    return (*EVAL, *SFT, *(GRPO if after == "grpo" else ()))


def preflight(words: Sequence[str], preset: Preset) -> bool:
    """Show the memory and the least duration of each step; whether the run may be started.

    An estimate by arithmetic, which is fast. A run that cannot fit may not be started.
    """
    run = steps_run(words)
    if not run:
        st.caption("Preflight: nothing to estimate, it neither trains nor evaluates.")
        return True
    try:
        chip = chip_of(preset.model.chip)
        preset = preset.with_knobs("dpo", in_run=preset.dpo.in_run or words[0] == "dpo")
        needs = _needs(run, preset, chip)
    except UserError as error:
        with st.expander("Preflight: no estimate for this preset"):
            st.text(state.readable_error(error))
        return True
    peak = max((one.needs.peak for one in needs), default=0)
    room = f"{peak / GIB:.1f} of {chip.memory / GIB:.1f} GiB"
    fits = peak <= chip.memory  # the same rule as the command
    warning = "" if fits else "does not fit. "
    label = f"Preflight: {warning}Estimated memory: {room} on {chip.name}"
    # two folds: one that a person has closed must open when a setting makes the run not fit
    fold = choices.fold(label, "preflight" if fits else "unfit", default=not fits)
    if fold.open:
        with fold:
            _steps(needs, preset, chip)
    return fits


def _steps(needs: list[StepNeeds], preset: Preset, chip: Chip) -> None:
    """The needs of each step, and settings that would make it fit where it does not."""
    table([_row(one, chip) for one in needs])
    st.caption(
        "Memory of one chip, within about 20 %. Durations are lower bounds at the chip's peak"
        " speed. `thinkbench preflight --compile` asks the chip's own compiler; --no-preflight"
        " starts a command anyway."
    )
    for one in proposals(preset, needs, chip):
        sets = " ".join(f"--set {assignment}" for assignment in one.assignments)
        st.text(f"{one.step} would fit with: {sets or 'more chips'}")


def _needs(run: Sequence[str], preset: Preset, chip: Chip) -> list[StepNeeds]:
    run_steps = [step for step in steps_of(preset) if step.name.startswith(tuple(run))]
    quiet = lambda step, of, numbers: None  # noqa: E731
    return list(needs_of_steps(run_steps, preset, chip, use_compiler=False, progress=quiet))


def _row(one: StepNeeds, chip: Chip) -> dict[str, Any]:
    least = seconds(one.needs, chip)
    return {
        "step": one.step.name,
        "rows": one.step.rows,
        "tokens": one.step.tokens,
        **{f"{name} [GiB]": round(size / GIB, 3) for name, size in one.needs.parts.items()},
        "at most [GiB]": round(one.needs.peak / GIB, 3),
        "fits": "yes" if one.needs.fits else "no",
        "at least": "unknown" if least is None else duration(least) if least > 1 else
        f"{1000 * least:.3g} ms",
    }  # fmt: skip
