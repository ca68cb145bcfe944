"""Knobs that a run's version of thinkbench did not have.

Such a run counts as if it had the value that means what was done then, where the knob says which
(`before`, pipeline/config/knobs.py).
"""

from dataclasses import dataclass, field, fields
from typing import Any

from data.store import is_evaluation
from pipeline.config import NO_VALUE, SECTIONS

Config = dict[str, Any]


@dataclass(frozen=True)
class NewKnobs:
    """Knobs that a run lacks, and that have their default now.

    other:   knob -> the value that means what the run did, which is not the default
    unknown: knobs that do not say what was done before
    """

    other: Config = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


def completed(kind: str, earlier: Config, config: Config) -> Config:
    """`earlier` with a value for each knob of `config` that it lacks and that says which."""
    knobs = _knobs(kind)
    return earlier | {
        name: knobs[name].metadata["before"]
        for name in (config.keys() - earlier.keys()) & knobs.keys()
        if knobs[name].metadata["before"] is not NO_VALUE
    }


def new_knobs(kind: str, earlier: Config, config: Config) -> NewKnobs:
    """What keeps `earlier` from being `config`, apart from knobs that both have.

    A knob that was set to another value than its default is none of them: whoever sets it wants
    another run.
    """
    knobs, full = _knobs(kind), completed(kind, earlier, config)
    missing = {
        name
        for name in config.keys() - earlier.keys()
        if name not in knobs or config[name] == knobs[name].default
    }
    other = {name: full[name] for name in missing & full.keys() if full[name] != config[name]}
    return NewKnobs(other, sorted(missing - full.keys()))


def assignment(kind: str, knob: str, value: Any) -> str:
    """The option that gives a knob of a run of this kind this value."""
    in_model = knob in SECTIONS["model"].__dataclass_fields__
    return f"--set {'model' if in_model else _section(kind)}.{knob}={value}"


def _knobs(kind: str) -> dict[str, Any]:
    """Name -> the field of each knob of a run of this kind."""
    sections = [SECTIONS["model"]]
    if _section(kind) in SECTIONS:
        sections.append(SECTIONS[_section(kind)])
    return {one.name: one for section in sections for one in fields(section)}


def _section(kind: str) -> str:
    return "eval" if is_evaluation(kind) else kind
