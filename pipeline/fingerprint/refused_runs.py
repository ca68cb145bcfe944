"""The error that leaves to a person whether a run of other code is gone on with."""

from typing import Any

from data.errors import UserError
from data.store import Store
from pipeline.fingerprint.code import Code
from pipeline.fingerprint.earlier_runs import code_changes
from pipeline.fingerprint.missing_knobs import NewKnobs, assignment


def refusal(
    store: Store, state: dict[str, Any], code: Code, knobs: NewKnobs, resumes: bool
) -> UserError:
    """How a run differs from what would run now, and what to give to go on with it.

    knobs: that it lacks   resumes: whether the run was named with --resume
    """
    differences = [f"other code ({code_changes(store, state, code)})"]
    if knobs.other:
        values = ", ".join(f"{name} {value}" for name, value in knobs.other.items())
        differences.append(f"it was started before there were these knobs, as if with {values}")
    if knobs.unknown:
        names = ", ".join(knobs.unknown)
        differences.append(
            f"it was started before there was {names}, and what it did in its place is not known"
        )
    options = [assignment(state["kind"], name, value) for name, value in knobs.other.items()]
    way = " ".join([*options, "--accept-code-change"])
    again = f"--rerun-changed-code{' without --resume' if resumes else ''}"
    return UserError(
        f"run {state['run']} ({state['event']}) has the same configuration and inputs, but"
        f" {'; '.join(differences)}. To go on with it, which records both versions of the code:"
        f" {way}. To start a new run: {again}."
    )
