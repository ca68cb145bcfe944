"""What checks the values of knobs, with messages that name the knob."""

import math
from dataclasses import fields
from typing import Any

from data.errors import UserError

SEEDS = 2**32  # numpy and grain take no larger seed, and none below 0


class BadConfig(UserError):
    """A preset, a knob or a value that cannot be used."""


def at_least(config: Any, least: float, *names: str) -> None:
    """Raise BadConfig unless the knobs `names` are finite and at least `least`."""
    for name in names:
        value = getattr(config, name)
        if not least <= value < math.inf:  # False for nan, too
            raise BadConfig(f"{name} must be at least {least}, got {value}")


def above(config: Any, bound: float, *names: str, most: float = math.inf) -> None:
    """Raise BadConfig unless the knobs `names` are finite, above `bound` and at most `most`."""
    for name in names:
        value = getattr(config, name)
        if not bound < value <= most or math.isinf(value):
            limit = "" if math.isinf(most) else f" and at most {most}"
            raise BadConfig(f"{name} must be above {bound}{limit}, got {value}")


def check_seed(config: Any) -> None:
    """Raise BadConfig unless the knob `seed` is one that every library here takes."""
    if not 0 <= config.seed < SEEDS:
        raise BadConfig(
            f"seed must be a whole number from 0 to {SEEDS - 1}, got {config.seed}; choose another"
        )


def check_choices(config: Any) -> None:
    """Raise BadConfig unless each knob that has choices holds one of them."""
    for one in fields(config):
        choices, value = one.metadata["choices"], getattr(config, one.name)
        if choices and value not in choices:
            raise BadConfig(f"{one.name} must be one of {', '.join(choices)}; got {value!r}")
