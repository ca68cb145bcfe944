"""A preset with the changes of a command line: SECTION.KNOB=VALUE, flags, the seed."""

from dataclasses import fields
from typing import Any

from pipeline.config import SECTIONS, BadConfig, Preset
from pipeline.presets import load_preset


def changed_preset(
    name: str, changes: dict[str, dict[str, Any]], assignments: tuple[str, ...], seed: int | None
) -> Preset:
    """The preset `name`, changed by `--set SECTION.KNOB=VALUE`, then by flags, then by `--seed`.

    changes: section -> knob -> value, of the flags

    Several answers to a problem are sampled at temperature 1 where nothing sets one. A subset of
    records takes the place of the preset's filter.
    """
    preset = load_preset(name)
    knobs: dict[str, dict[str, Any]] = {}
    for assignment in assignments:
        section, knob, value = parse_assignment(assignment)
        knobs.setdefault(section, {})[knob] = value
    for section, values in changes.items():
        knobs.setdefault(section, {}).update(values)
    if knobs.get("eval", {}).get("samples", 1) > 1 and not preset.eval.temperature:
        knobs["eval"].setdefault("temperature", 1.0)  # greedy answers would all be the same
    if knobs.get("data", {}).get("subset"):
        knobs["data"].setdefault("records_filter", "")  # the subset names the records
    for section, values in knobs.items():
        preset = preset.with_knobs(section, **values)
    return preset if seed is None else preset.with_seed(seed)


def parse_assignment(assignment: str) -> tuple[str, str, Any]:
    """Section, knob and typed value of `SECTION.KNOB=VALUE`."""
    name, equals, text = assignment.partition("=")
    section, _, knob = name.partition(".")
    defaults = {f.name: f.default for f in fields(SECTIONS[section])} if section in SECTIONS else {}
    if not equals or knob not in defaults:
        choices = ", ".join(f"{section}.{name}" for name in defaults) or ", ".join(
            f"{name}.KNOB" for name in SECTIONS
        )
        raise BadConfig(
            f"--set {assignment!r} names no knob; expected KNOB=VALUE with one of {choices}"
        )
    return section, knob, typed(name, text, defaults[knob])


def typed(name: str, text: str, default: Any) -> Any:
    """`text` as a value of the type of the knob's default. name: of the knob, for messages"""
    if isinstance(default, tuple):
        return tuple(word for word in text.split(",") if word)
    if isinstance(default, bool):
        if text not in ("true", "false"):
            raise BadConfig(f"{name} must be true or false, got {text!r}")
        return text == "true"
    try:
        return type(default)(text)
    except ValueError as error:
        kind = type(default).__name__
        raise BadConfig(
            f"{name} must be of type {kind}, got {text!r}; its default is {default}"
        ) from error
