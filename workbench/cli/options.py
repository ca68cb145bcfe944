"""Flags made from the knobs of a config: name, meaning and unit are read from its fields."""

from collections.abc import Callable
from dataclasses import Field, fields
from typing import Any

import click

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
