"""Flags made from the knobs of a config: name, meaning and unit are read from its fields."""

from collections.abc import Callable
from dataclasses import Field, fields
from typing import Any

import click

from pipeline.config import SECTIONS, BadConfig, Preset
from pipeline.presets import load_preset

Command = Callable[..., Any]


def knobs(config: type, section: str) -> Callable[[Command], Command]:
    """Give a command one --flag per field of `config`; it receives those set as `changes`.

    A flag that is not given leaves the value of the preset, so none shows a default.
    """

    def with_flags(command: Command) -> Command:
        def chosen(*places: Any, **arguments: Any) -> Any:
            given = {f.name: arguments.pop(f"knob_{f.name}") for f in flagged(config)}
            changes = {name: value for name, value in given.items() if value not in (None, ())}
            return command(*places, changes={section: changes}, **arguments)

        chosen.__doc__, chosen.__name__ = command.__doc__, command.__name__
        # options given before this one to `command` itself
        chosen.__click_params__ = getattr(command, "__click_params__", [])  # pyright: ignore[reportFunctionMemberAccess]
        for f in reversed(flagged(config)):
            chosen = flag(f)(chosen)
        return chosen

    return with_flags


def flagged(config: type) -> list[Field[Any]]:
    """The fields that get a flag each. `--seed` is one flag for all sections."""
    return [f for f in fields(config) if f.name != "seed"]


def flag(f: Field[Any], ending: str = "") -> Callable[[Command], Command]:
    """The option of one field: a switch for a bool, repeatable for a tuple. ending: of its help."""
    name = f.name.replace("_", "-")
    unit = f" [{f.metadata['unit']}]" if f.metadata["unit"] else ""
    choices = ", ".join(f.metadata["choices"])
    words = f"{f.metadata['meaning']}{f': {choices}' if choices else unit}{ending}"
    if isinstance(f.default, bool):
        return click.option(f"--{name}/--no-{name}", f"knob_{f.name}", default=None, help=words)
    if isinstance(f.default, tuple):
        words += "; may be repeated"
        return click.option(f"--{name}", f"knob_{f.name}", multiple=True, help=words)
    return click.option(f"--{name}", f"knob_{f.name}", type=type(f.default), help=words)


def changed_preset(
    name: str, changes: dict[str, dict[str, Any]], assignments: tuple[str, ...], seed: int | None
) -> Preset:
    """The preset `name` with `--set SECTION.KNOB=VALUE`, then flags, then `--seed` on top."""
    preset = load_preset(name)
    for assignment in assignments:
        section, knob, value = assigned(assignment)
        preset = preset.with_knobs(section, **{knob: value})
    for section, values in changes.items():
        preset = preset.with_knobs(section, **values)
    return preset if seed is None else preset.with_seed(seed)


def assigned(assignment: str) -> tuple[str, str, Any]:
    """Section, knob and typed value of `SECTION.KNOB=VALUE`."""
    place, equals, text = assignment.partition("=")
    section, _, knob = place.partition(".")
    known = {f.name: f.default for f in fields(SECTIONS[section])} if section in SECTIONS else {}
    if not equals or knob not in known:
        choices = ", ".join(f"{section}.{name}" for name in known) or ", ".join(
            f"{name}.KNOB" for name in SECTIONS
        )
        raise BadConfig(
            f"--set {assignment!r} names no knob; write KNOB=VALUE with one of {choices}"
        )
    return section, knob, typed(place, text, known[knob])


def typed(place: str, text: str, default: Any) -> Any:
    """`text` as a value of the same type as the knob's default."""
    if isinstance(default, tuple):
        return tuple(word for word in text.split(",") if word)
    if isinstance(default, bool):
        if text not in ("true", "false"):
            raise BadConfig(f"{place} must be true or false, got {text!r}")
        return text == "true"
    try:
        return type(default)(text)
    except ValueError as error:
        kind = type(default).__name__
        raise BadConfig(
            f"{place} must be {kind}, got {text!r}; its default is {default}"
        ) from error
