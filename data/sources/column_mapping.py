"""Column mapping: where a person's own rows hold the columns that a shape expects.

`completion=code[0]` takes the first element of the list `code` as the completion.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from data.errors import UserError
from data.sources import row_shapes

STEP = re.compile(r"([^.\[\]]+)(?!\])|\[([0-9]{1,9})\]")
LOCATION = re.compile(r"[^.\[\]]+(?:\.[^.\[\]]+|\[[0-9]{1,9}\])*")


def parse_columns(options: Iterable[str], shape: str) -> dict[str, str]:
    """The options NAME=PATH as a mapping, for names that `shape` has."""
    mapping = {}
    for option in options:
        name, equals, location = option.partition("=")
        if not equals or name not in row_shapes.columns_of(shape) or not steps(location):
            raise UserError(
                f"{option!r} names no column; expected NAME=PATH with NAME one of"
                f" {', '.join(row_shapes.columns_of(shape))} (shape {shape}), and PATH a column or"
                " a part of one: turns[0].text"
            )
        mapping[name] = location
    return mapping


def steps(location: str) -> list[str | int]:
    """`turns[0].text` as ["turns", 0, "text"]; empty if it is not a location."""
    if not LOCATION.fullmatch(location):
        return []
    return [int(number) if number else name for name, number in STEP.findall(location)]


def map_columns(values: Mapping[str, Any], mapping: Mapping[str, str]) -> dict[str, Any]:
    """`values`, and beside them the mapped columns; None where a location holds nothing.

    A column whose name looks like a location takes precedence.
    """
    mapped = {
        name: values[location] if location in values else _value_at(values, steps(location))
        for name, location in mapping.items()
    }
    return {**values, **mapped}


def source_column(location: str, values: Mapping[str, Any]) -> str:
    """The column that holds `location`."""
    return location if location in values else str(steps(location)[0])


def _value_at(value: Any, path: list[str | int]) -> Any:
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, Mapping) else None
    return value
