"""Rewards from a user's own Python file; errors name the line.

The file defines

    REWARDS = {"name": (weight, function), ...}

with functions by the contract of parts.py: function(text, gold, score) -> float.
It may import installed packages and this project's own rewards (`from pipeline.train.rewards import
answer`), but not files beside it. It runs in this process with all rights of its user: name only a
file that you would run yourself.
"""

import hashlib
import inspect
import math
import reprlib
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from data.errors import UserError
from evals.graders import Score
from pipeline.train.rewards.parts import Part, Reward

MODULE = "rewards_of_a_file"  # name of the file's module while it runs
MESSAGE_CHARACTERS = 300  # of a value or an error of the file, in our messages
EXPECTED = 'REWARDS = {"name": (weight, function), ...} with function(text, gold, score) -> float'


class BadRewards(UserError):
    """A file of rewards that cannot be used, or a reward in it."""


def load(path: Path) -> tuple[list[Reward], str]:
    """The rewards that the file at `path` defines, in their order, and the file's SHA-256.

    Runs the file.
    """
    source = path.read_bytes()
    defined = _run(path, source).get("REWARDS")
    if not isinstance(defined, dict) or not defined:
        content = "no REWARDS" if defined is None else f"REWARDS = {_shown(defined)}"
        raise BadRewards(f"{path} defines {content}; expected {EXPECTED}. Define it in the file.")
    rewards = [_reward(path, name, part) for name, part in defined.items()]
    return rewards, hashlib.sha256(source).hexdigest()


def _run(path: Path, source: bytes) -> dict[str, Any]:
    """The names that the file defines."""
    module = ModuleType(MODULE)
    module.__file__ = str(path)
    sys.modules[MODULE] = module  # dataclasses look up their module
    try:
        exec(compile(source, str(path), "exec"), module.__dict__)
    except SyntaxError as error:
        at = f"{error.filename or path}" + (f", line {error.lineno}" if error.lineno else "")
        raise BadRewards(f"{at}: {error.msg}. Correct the file.") from error
    except (Exception, SystemExit) as error:  # user code may raise anything
        raise BadRewards(
            f"{_line_of(error) or path}: {_message_of(error)}. Correct the file."
        ) from error
    return module.__dict__


def _reward(path: Path, name: Any, part: Any) -> Reward:
    if not isinstance(name, str) or not name.strip():
        raise BadRewards(f"{path} names a reward {_shown(name)}; expected a text. {EXPECTED}.")
    if not isinstance(part, tuple | list) or len(part) != 2:
        raise BadRewards(
            f"{path}, reward {name!r} is {_shown(part)}; expected (weight, function). {EXPECTED}."
        )
    weight, function = part
    value = _number(weight)
    if value is None or not math.isfinite(value):
        raise BadRewards(f"{path}, reward {name!r}: its weight is {_shown(weight)}, not a number.")
    if not _takes_three(function):
        raise BadRewards(
            f"{path}, reward {name!r}: {_shown(function)} cannot be called with (text, gold,"
            f" score). {EXPECTED}."
        )
    return Reward(name, value, function)


def _takes_three(function: Any) -> bool:
    if not callable(function):
        return False
    try:
        inspect.signature(function).bind("text", "gold", None)
    except (TypeError, ValueError):  # ValueError: a C function without a signature
        return False
    return True


def value_of(reward: Part, text: str, gold: str, score: Score, tokens: int) -> float:
    """The value of `reward` for a completion of this many tokens, before the weight.

    Raises BadRewards if it is not a number, is infinite, or is nan for a decided score. The caller
    adds which rollout it was for.
    """
    try:
        result = reward.of(text, gold, score, tokens)
    except (Exception, SystemExit) as error:  # user code may raise anything
        at = _line_of(error)
        raise BadRewards(
            f"reward {reward.name!r} failed{f' at {at}' if at else ''}: {_message_of(error)}"
        ) from error
    value = _number(result)
    if value is None or math.isinf(value):
        raise BadRewards(f"reward {reward.name!r} gave {_shown(result)}; expected a finite number")
    if math.isnan(value) and score.correct is not None and score.partial is not None:
        raise BadRewards(
            f"reward {reward.name!r} gave nan; expected a finite number, as the score is decided"
        )
    return value


def _number(value: Any) -> float | None:
    """`value` as a float: None if it is not a number, inf if it is too large for a float."""
    if not isinstance(value, bool | int | float | np.bool_ | np.integer | np.floating):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _line_of(error: BaseException) -> str:
    """The innermost line of the user's file in the traceback of `error`; "" if there is none."""
    lines = [
        f"{frame.f_code.co_filename}, line {line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__") == MODULE
    ]
    return lines[-1] if lines else ""


def _message_of(error: BaseException) -> str:
    """Class and message of `error`, even if its `__str__` fails."""
    return traceback.format_exception_only(error)[-1].strip()[:MESSAGE_CHARACTERS]


def _shown(value: Any) -> str:
    """The repr of `value`, shortened, even if its `__repr__` fails."""
    return reprlib.repr(value)[:MESSAGE_CHARACTERS]
