"""One knob: a field with its meaning, unit and choices, which are the flag's help, too."""

from dataclasses import asdict, field, fields, replace
from typing import Any

from pipeline.config.checks import BadConfig

NO_VALUE = object()  # None may be a value


def knob(
    default: Any,
    meaning: str,
    unit: str = "",
    choices: tuple[str, ...] = (),
    before: Any = NO_VALUE,
) -> Any:
    """A dataclass field that carries its meaning, unit and choices for flags, docs and the app.

    before: what a run did that was started before there was this knob, as a value of it
    """
    metadata = {"meaning": meaning, "unit": unit, "choices": choices, "before": before}
    return field(default=default, metadata=metadata)


def changed(config: Any, **changes: Any) -> Any:
    """`config` with new values for some knobs. BadConfig: a knob does not exist."""
    names = {f.name for f in fields(config)}
    if unknown := sorted(set(changes) - names):
        raise BadConfig(
            f"{type(config).__name__} has no knob {', '.join(unknown)}; it has:"
            f" {', '.join(sorted(names))}"
        )
    return replace(config, **changes)


def as_json(config: Any) -> dict[str, Any]:
    """`config` as plain values, for a run's record and its fingerprint."""
    return asdict(config)
