"""The formats of rollout logs: detection by the first row of a file, and the rollouts of a row."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from data.errors import UserError
from evals.imports import Line, Rejection, UnusableRow
from evals.imports.rollout_logs.files import refuse_pickles, rows_of, shown
from evals.imports.rollout_logs.records import Decode, LogFile, LoggedRollout
from evals.imports.rollout_logs.trainers import (
    nemo_rl,
    neutral,
    open_instruct,
    prime_rl,
    rllm,
    trl,
    tunix,
    verifiers,
    verl,
)

FIRST_ROWS = 100  # of a file, by which its format is detected
# what reading a field of a row raises where it is a number, a list or an object unexpectedly
OTHER_STRUCTURE = (AttributeError, TypeError, KeyError, IndexError)


@dataclass(frozen=True)
class LogFormat:
    """The log of one trainer.

    fits: whether a file is one, by a row at its start
    is_copy: whether a file repeats rows of another one
    rollouts: those of one row; one that may be unusable alone is a function, which raises then
    keeps_newest_batch: of each step that is logged, not all batches since the one before
    """

    name: str
    writer: str
    keeps_newest_batch: bool
    fits: Callable[[LogFile, dict[str, Any]], bool]
    rollouts: Callable[
        [LogFile, Line, Decode | None], Iterator[LoggedRollout | Callable[[], LoggedRollout]]
    ]
    is_copy: Callable[[LogFile], bool]


def _is_no_copy(_: LogFile) -> bool:
    return False


# the first that fits; the neutral one, which asks for least, comes last
FORMATS = {
    module.NAME: LogFormat(
        module.NAME,
        module.WRITER,
        module.KEEPS_NEWEST_BATCH,
        module.fits,
        module.read,
        prime_rl.is_copy if module is prime_rl else _is_no_copy,
    )
    for module in (trl, verl, prime_rl, verifiers, nemo_rl, open_instruct, rllm, tunix, neutral)
}


def format_of(
    path: Path, files: list[LogFile], name: str | None
) -> tuple[LogFormat, list[LogFile]]:
    """The format of a log, and its files, those of other formats marked.

    A file that repeats another one is none of them. name: of FORMATS, to force one
    """
    if name is not None and name not in FORMATS:
        raise UserError(f"there is no format {name!r}; expected one of {', '.join(FORMATS)}.")
    candidates = list(FORMATS.values()) if name is None else [FORMATS[name]]
    pairs = ((file, row) for file in files for row in _first_rows(file))
    chosen = next(
        (each for file, row in pairs for each in candidates if each.fits(file, row)), None
    )
    if chosen is None:
        refuse_pickles(path)
        writers = "; ".join(f"{each.name}, {each.writer}" for each in candidates)
        raise UserError(
            f"{path} is no rollout log that can be read. Expected one of: {writers}. Write its"
            " rollouts in the neutral format (docs/rollouts.md), or check the path."
        )
    return chosen, [
        replace(file, is_foreign=_is_foreign(file, chosen))
        for file in files
        if not chosen.is_copy(file)
    ]


def _first_rows(file: LogFile) -> Iterator[dict[str, Any]]:
    rows = (line.row for line in rows_of(file) if isinstance(line, Line))
    return islice(rows, FIRST_ROWS)


def _is_foreign(file: LogFile, log_format: LogFormat) -> bool:
    """Whether it has rows, and none of the first ones fits."""
    fits = (log_format.fits(file, row) for row in _first_rows(file))
    first = next(fits, None)
    return first is False and not any(fits)


def rollouts_of(
    file: LogFile, log_format: LogFormat, decode: Decode | None
) -> Iterator[tuple[int, LoggedRollout | Rejection]]:
    """Number of the row, from 1, and each rollout or rejection of it."""
    for line in rows_of(file):
        if isinstance(line, Rejection):
            yield line.line, line
        elif file.is_foreign:
            yield line.number, Rejection(line.number, f"in a file that is no {log_format.name}", "")
        else:
            for rollout in _of_line(file, line, log_format, decode):
                yield line.number, rollout


def _of_line(
    file: LogFile, line: Line, log_format: LogFormat, decode: Decode | None
) -> Iterator[LoggedRollout | Rejection]:
    rollouts = log_format.rollouts(file, line, decode)
    while True:
        try:
            rollout = next(rollouts, None)
            if rollout is None:  # also after an error of the row as a whole
                return
            yield rollout() if callable(rollout) else rollout
        except UnusableRow as reason:
            yield Rejection(line.number, str(reason), shown(line.row, line.content))
        except OTHER_STRUCTURE:
            reason = f"its fields are nested otherwise than {log_format.name} writes them"
            yield Rejection(line.number, reason, shown(line.row, line.content))
