"""Runs of the same configuration and inputs as a stage, whatever code they were made by.

The inputs of a run hold the hash of the code that it began with (CODE), and of each other code
that a person let it go on with, with the time (ACCEPTED).
"""

from datetime import UTC, datetime
from typing import Any

from data.store import Store, runs
from pipeline.fingerprint.code import Code, changes, recorded
from pipeline.fingerprint.missing_knobs import NewKnobs, completed, new_knobs

CODE = "code"
ACCEPTED = "code accepted "  # then the time, which sorts


def runs_of(
    store: Store, kind: str, stage: str, config: dict[str, Any], inputs: dict[str, str]
) -> list[dict[str, Any]]:
    """The last states of the runs with these values, by when they were started.

    A run that lacks a knob has the value that means what was done before there was one.
    """
    return [
        state
        for state in _states(store, kind, stage, inputs)
        if _same(completed(kind, state["config"], config), config)
    ]


def runs_without_new_knobs(
    store: Store, kind: str, stage: str, config: dict[str, Any], inputs: dict[str, str]
) -> list[tuple[dict[str, Any], NewKnobs]]:
    """The runs that differ from these values only in knobs that they lack, with these knobs."""
    runs_and_knobs = []
    for state in _states(store, kind, stage, inputs):
        lacking = new_knobs(kind, state["config"], config)
        names = {*lacking.other, *lacking.unknown}
        shared = completed(kind, state["config"], config) | {n: config[n] for n in names}
        if names and _same(shared, config):
            runs_and_knobs.append((state, lacking))
    return runs_and_knobs


def _states(store: Store, kind: str, stage: str, inputs: dict[str, str]) -> list[dict[str, Any]]:
    """The last states of the stage's runs that read these inputs."""
    wanted = without_code(inputs)
    return [
        state
        for state in runs.states(store, kind, stage)
        if state["inputs"]
        and state["config"] is not None
        and without_code(state["inputs"]) == wanted
    ]


def _same(config: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether both are the same as JSON, which has no tuples."""
    return runs.fingerprint(config=config) == runs.fingerprint(config=other)


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
