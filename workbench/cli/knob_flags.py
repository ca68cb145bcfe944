"""Flags of a command made from the knobs of a config: name, meaning and unit of each field."""

from collections.abc import Callable
from dataclasses import Field, fields
from typing import Any

import click

from pipeline.config import OUTSIDE

Command = Callable[..., Any]


def knob_flags(config: type, section: str) -> Callable[[Command], Command]:
    """Give a command one --flag per knob of `config`; it receives those set as `changes`.

    A flag that is left out keeps the preset's value, so none shows a default.
    """

    def decorate(command: Command) -> Command:
        def with_changes(*positional: Any, **arguments: Any) -> Any:
            values = {f.name: arguments.pop(f"knob_{f.name}") for f in flagged(config)}
            changes = {name: value for name, value in values.items() if value not in (None, ())}
            return command(*positional, changes={section: changes}, **arguments)

        with_changes.__doc__, with_changes.__name__ = command.__doc__, command.__name__
        # the options given before this one to `command` itself
        with_changes.__click_params__ = getattr(command, "__click_params__", [])  # pyright: ignore[reportFunctionMemberAccess]
        for f in reversed(flagged(config)):
            with_changes = flag(f)(with_changes)
        return with_changes

    return decorate


def flagged(config: type) -> list[Field[Any]]:
    """The fields that get a flag each. `--seed` is one flag for all sections."""
    return [f for f in fields(config) if f.name not in ("seed", *OUTSIDE)]


def flag(f: Field[Any], ending: str = "") -> Callable[[Command], Command]:
    """The option of one field: a switch for a bool, repeatable for a tuple. ending: of its help"""
    name = f.name.replace("_", "-")
    unit = f" [{f.metadata['unit']}]" if f.metadata["unit"] else ""
    choices = ", ".join(f.metadata["choices"])
    text = f"{f.metadata['meaning']}{f': {choices}' if choices else unit}{ending}"
    if isinstance(f.default, bool):
        return click.option(f"--{name}/--no-{name}", f"knob_{f.name}", default=None, help=text)
    if isinstance(f.default, tuple):
        text += "; may be repeated"
        return click.option(f"--{name}", f"knob_{f.name}", multiple=True, help=text)
    return click.option(f"--{name}", f"knob_{f.name}", type=type(f.default), help=text)
