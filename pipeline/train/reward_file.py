"""Rewards from a person's own file, and what is wrong with one told by its line.

The file is Python and defines

    REWARDS = {"name": (weight, function), ...}

with functions by the contract of pipeline/train/rewards.py: function(text, gold, score) -> float.
It may import what is installed and this project's own rewards (`from pipeline.train.rewards import
answer`), but not files beside it. It runs in this process with all that its user may do: only a
file that one would run oneself should be named.
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
from pipeline.train.rewards import Reward

MODULE = "rewards_of_a_file"  # what the file's module is called while it runs
LONGEST = 300  # [characters] of what a file says in a message
EXPECTED = 'REWARDS = {"name": (weight, function), ...} with function(text, gold, score) -> float'


class BadRewards(UserError):
    """A file of rewards, or a reward in it, that cannot be used."""


def load(path: Path) -> tuple[list[Reward], str]:
    """The rewards that the file at `path` defines, in their order, and the file's SHA-256.

    Runs the file.
    """
    source = path.read_bytes()
    defined = _run(path, source).get("REWARDS")
    if not isinstance(defined, dict) or not defined:
        found = "no REWARDS" if defined is None else f"REWARDS = {_shown(defined)}"
        raise BadRewards(f"{path} defines {found}; expected {EXPECTED}. Define it there.")
    rewards = [_reward(path, name, part) for name, part in defined.items()]
    return rewards, hashlib.sha256(source).hexdigest()


def _run(path: Path, source: bytes) -> dict[str, Any]:
    """The names that the file defines."""
    module = ModuleType(MODULE)
    module.__file__ = str(path)
    sys.modules[MODULE] = module  # dataclasses look their module up
    try:
        exec(compile(source, str(path), "exec"), module.__dict__)
    except SyntaxError as error:
        at = f"{error.filename or path}" + (f", line {error.lineno}" if error.lineno else "")
        raise BadRewards(f"{at}: {error.msg}. Mend it there.") from error
    except (Exception, SystemExit) as error:  # a person's own code may raise anything
        raise BadRewards(f"{_place(error) or path}: {_said(error)}. Mend it there.") from error
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
        raise BadRewards(f"{path}, reward {name!r}: its weight is {_shown(weight)}, no number.")
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
    except (TypeError, ValueError):  # ValueError: a function of C that tells no signature
        return False
    return True


def value_of(reward: Reward, text: str, gold: str, score: Score) -> float:
    """What `reward` gives, unweighted. Refused: all but numbers, inf, and nan for a known verdict.

    The error does not say for which rollout: the caller knows.
    """
    try:
        given = reward.value(text, gold, score)
    except (Exception, SystemExit) as error:  # a person's own code may raise anything
        at = _place(error)
        raise BadRewards(
            f"reward {reward.name!r} failed{f' at {at}' if at else ''}: {_said(error)}"
        ) from error
    value = _number(given)
    if value is None or math.isinf(value):
        raise BadRewards(f"reward {reward.name!r} gave {_shown(given)}; expected a finite number")
    if math.isnan(value) and score.correct is not None and score.partial is not None:
        raise BadRewards(
            f"reward {reward.name!r} gave nan; expected a finite number, as the verdict is known"
        )
    return value


def _number(given: Any) -> float | None:
    """`given` as a float; None where it is none, and inf where it is too large for one."""
    if not isinstance(given, bool | int | float | np.bool_ | np.integer | np.floating):
        return None
    try:
        return float(given)
    except OverflowError:
        return math.inf


def _place(error: BaseException) -> str:
    """The innermost line of a person's file that `error` came through; "" where there is none."""
    lines = [
        f"{frame.f_code.co_filename}, line {line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__") == MODULE
    ]
    return lines[-1] if lines else ""


def _said(error: BaseException) -> str:
    """Its class and words, also where its own `__str__` fails."""
    return traceback.format_exception_only(error)[-1].strip()[:LONGEST]


def _shown(value: Any) -> str:
    """Its repr, shortened, also where its own `__repr__` fails."""
    return reprlib.repr(value)[:LONGEST]
