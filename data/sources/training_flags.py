"""Training flags: fields by which a turn or a row says whether it is to be trained on.

`weight: 0` is OpenAI's and Mistral's, `training: false` Axolotl's, `loss: false` that of ms-swift.
Files write these values in many ways: false, "False", "0.00", "no". A missing value says nothing.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

FLAGS = ("weight", "train", "training", "trainable", "loss")
# of a row, `loss` is what a model had, and `training` may be a text about training
FLAGS_OF_ROWS = ("weight", "train", "training", "trainable")
ON = frozenset(("true", "t", "yes", "y", "on"))
OFF = frozenset(("false", "f", "no", "n", "off"))
MISSING = frozenset(("", "null", "none", "nan", "n/a", "na"))
UNREADABLE = "unreadable"


def training_flag(fields: Mapping[str, Any], names: Iterable[str] = FLAGS) -> bool | str | None:
    """Whether `fields` are to be trained on; None where they do not say.

    One flag that is off counts more than others that are on. UNREADABLE: a flag has a value that is
    neither a number from 0 on nor a word for yes or no, and none is off.
    """
    values = {_value(fields[name]) for name in names if name in fields}
    return next((value for value in (False, UNREADABLE, True) if value in values), None)


def _value(value: Any) -> bool | str | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        word = value.strip().strip("\"'").lower()
        if word in MISSING:
            return None
        if word in ON or word in OFF:
            return word in ON
        value = _number(word)
    if not isinstance(value, int | float):
        return UNREADABLE
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else UNREADABLE  # a table writes nan where it has none
    return UNREADABLE if value < 0 else value > 0


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None
