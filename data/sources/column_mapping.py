"""Columns by other names: where rows of one's own hold what a shape expects.

`completion=code[0]` takes the first of the list `code` as the completion.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from data.errors import UserError
from data.sources import row_shapes

STEP = re.compile(r"([^.\[\]]+)(?!\])|\[([0-9]{1,9})\]")
PLACE = re.compile(r"[^.\[\]]+(?:\.[^.\[\]]+|\[[0-9]{1,9}\])*")


def columns(said: Iterable[str], shape: str) -> dict[str, str]:
    """NAME=PLACE of each, for the names that `shape` has."""
    found = {}
    for one in said:
        name, equals, place = one.partition("=")
        if not equals or name not in row_shapes.COLUMNS[shape] or not steps(place):
            raise UserError(
                f"{one!r} says no column; expected NAME=PLACE with NAME one of"
                f" {', '.join(row_shapes.COLUMNS[shape])} (shape {shape}), and PLACE a"
                " column, or what"
                " is in one: turns[0].text"
            )
        found[name] = place
    return found


def steps(place: str) -> list[str | int]:
    """`turns[0].text` as ["turns", 0, "text"]; empty where it is no such thing."""
    if not PLACE.fullmatch(place):
        return []
    return [int(number) if number else name for name, number in STEP.findall(place)]


def named(values: Mapping[str, Any], places: Mapping[str, str]) -> dict[str, Any]:
    """`values`, and what stands at `places` under the names that a shape expects; None if nothing.

    A column may have a name that looks like a place: it counts first.
    """
    taken = {
        name: values[place] if place in values else _at(values, steps(place))
        for name, place in places.items()
    }
    return {**values, **taken}


def first_of(place: str, values: Mapping[str, Any]) -> str:
    """The column that `place` is in."""
    return place if place in values else str(steps(place)[0])


def _at(value: Any, path: list[str | int]) -> Any:
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, Mapping) else None
    return value
