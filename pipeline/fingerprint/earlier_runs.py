"""Runs of the same configuration and inputs as a stage, whatever code they were made by.

The inputs of a run hold the hash of the code that it began with (CODE), and of each other code
that a person let it go on with, with the time (ACCEPTED).
"""

from datetime import UTC, datetime
from typing import Any

from data.store import Store, runs
from pipeline.fingerprint.code import Code, changes, recorded

CODE = "code"
ACCEPTED = "code accepted "  # then the time, which sorts


def runs_of(
    store: Store, kind: str, stage: str, config: dict[str, Any], inputs: dict[str, str]
) -> list[dict[str, Any]]:
    """The last states of the runs with these values, by when they were started."""
    wanted = _values(config, inputs)
    return [
        state
        for state in runs.states(store, kind, stage)
        if state["inputs"] and _values(state["config"] or {}, state["inputs"]) == wanted
    ]


def before_new_knobs(
    store: Store, kind: str, stage: str, config: dict[str, Any], inputs: dict[str, str]
) -> tuple[str, list[str]] | None:
    """The newest run that differs only in knobs that it lacks, and these; None without one.

    A version of thinkbench that did not have these knobs started it.
    """
    for state in reversed(runs.states(store, kind, stage)):
        earlier = state["config"] or {}
        new = sorted(config.keys() - earlier.keys())
        same = {name: value for name, value in config.items() if name not in new}
        if new and state["inputs"] and _values(earlier, state["inputs"]) == _values(same, inputs):
            return state["run"], new
    return None


def _values(config: dict[str, Any], inputs: dict[str, str]) -> str:
    return runs.fingerprint(config=config, inputs=without_code(inputs))


def without_code(inputs: dict[str, str]) -> dict[str, str]:
    return {
        name: digest
        for name, digest in inputs.items()
        if name != CODE and not name.startswith(ACCEPTED)
    }


def last_code(inputs: dict[str, str]) -> str | None:
    """The hash of the code that the run went on with last; None where it has none."""
    accepted = [name for name in inputs if name.startswith(ACCEPTED)]
    return inputs.get(max(accepted, default=CODE))


def with_accepted(inputs: dict[str, str], digest: str) -> dict[str, str]:
    """`inputs` of a run that goes on with the code of this hash: both are in it."""
    return inputs | {f"{ACCEPTED}{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}": digest}


def code_changes(store: Store, state: dict[str, Any], code: Code) -> str:
    """What of `code` differs from the code of a run, by name."""
    before = recorded(store, last_code(state["inputs"]) or "")
    if before is None:
        return "it does not say by which: a version of thinkbench that recorded no files started it"
    return changes(before, code)
