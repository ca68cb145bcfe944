"""The preflight on the Train page: whether a run fits its chip, before it is started."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from data.errors import UserError
from pipeline.config import Preset
from pipeline.preflight import Chip, StepNeeds, chip_of, needs_of_steps, seconds, steps_of
from pipeline.preflight.proposals import proposals
from workbench.app import state
from workbench.app.components import plain
from workbench.app.components.table import table
from workbench.formatting import duration
from workbench.jobs import EVAL, GRPO, SFT

GIB = 2**30
# what each verb runs of the steps of a whole run; export trains nothing
OF_VERB = {"run": (*EVAL, *SFT, *GRPO), "sft": SFT, "grpo": GRPO, "eval": EVAL, "export": ()}


def steps_run(words: Sequence[str]) -> tuple[str, ...]:
    """What begins the names of the steps that the command runs; a trial trains as it compares."""
    if words[0] != "ab":
        return OF_VERB[words[0]]
    after = words[words.index("--stage") + 1]
    return (*EVAL, *SFT, *(GRPO if after == "grpo" else ()))


def preflight(words: Sequence[str], preset: Preset) -> bool:
    """Show what each step needs and how long it takes at least; whether it may be started.

    By arithmetic, which takes no time. What cannot fit may not be started.
    """
    run = steps_run(words)
    if not run:
        st.caption("Preflight: nothing to reckon, it neither trains nor evaluates.")
        return True
    try:
        chip = chip_of(preset.name)
        said = _needs(run, preset, chip)
    except UserError as error:
        with st.expander("Preflight: not known for this preset"):
            st.text(plain(str(error)))
        return True
    peak = max((one.needs.peak for one in said), default=0)
    room = f"{peak / GIB:.1f} of {chip.memory / GIB:.1f} GiB"
    may = peak <= chip.memory  # as the command itself has it
    word = "it fits" if may else "it does not fit"
    label = f"Preflight: {word}, {room} of a {chip.name} by arithmetic"
    # two folds: one that somebody has closed must open when a knob makes it fit no more
    fold = state.folded(label, "preflight" if may else "unfit", open=not may)
    if fold.open:
        with fold:
            _steps(said, preset, chip)
    return may


def _steps(said: list[StepNeeds], preset: Preset, chip: Chip) -> None:
    """What each step needs, and what would make it fit where it does not."""
    table([_row(one, chip) for one in said])
    st.caption(
        "Memory of one chip, right to about a fifth. Times are the least that the maker's peak"
        " allows. `thinkbench preflight --compile` asks the chip's own compiler; a command"
        " with --no-preflight starts all the same."
    )
    for one in proposals(preset, said, chip):
        sets = " ".join(f"--set {assignment}" for assignment in one.assignments)
        st.text(f"{one.step} would fit with: {sets or 'more chips'}")


def _needs(run: Sequence[str], preset: Preset, chip: Chip) -> list[StepNeeds]:
    wanted = [step for step in steps_of(preset) if step.name.startswith(tuple(run))]
    quiet = lambda step, of, numbers: None  # noqa: E731
    return list(needs_of_steps(wanted, preset, chip, use_compiler=False, progress=quiet))


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
