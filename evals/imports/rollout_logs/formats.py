"""The formats of rollout logs: detection by the first row of a file, and the rollouts of a row."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
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

# what reading a field of a row raises where it is a number, a list or an object unexpectedly
OTHER_STRUCTURE = (AttributeError, TypeError, KeyError, IndexError)


@dataclass(frozen=True)
class LogFormat:
    """The log of one trainer.

    fits: whether a file is one, by its first row       rollouts: those of one row
    keeps_newest_batch: of each step that is logged, not all batches since the one before
    """

    name: str
    writer: str
    keeps_newest_batch: bool
    fits: Callable[[LogFile, dict[str, Any]], bool]
    rollouts: Callable[[LogFile, Line, Decode | None], Iterator[LoggedRollout]]


# the first that fits; the neutral one, which asks for least, comes last
FORMATS = {
    module.NAME: LogFormat(
        module.NAME, module.WRITER, module.KEEPS_NEWEST_BATCH, module.fits, module.read
    )
    for module in (trl, verl, prime_rl, verifiers, nemo_rl, open_instruct, rllm, tunix, neutral)
}


def format_of(
    path: Path, files: list[LogFile], name: str | None
) -> tuple[LogFormat, list[LogFile]]:
    """The format of a log, and its files among `files`. name: of FORMATS, to force one"""
    if name is not None and name not in FORMATS:
        raise UserError(f"there is no format {name!r}; expected one of {', '.join(FORMATS)}.")
    candidates = list(FORMATS.values()) if name is None else [FORMATS[name]]
    chosen, fitting = None, []
    for file in files:
        row = next((line.row for line in rows_of(file) if isinstance(line, Line)), None)
        if row is None:
            continue
        if chosen is None:
            chosen = next((each for each in candidates if each.fits(file, row)), None)
        if chosen is not None and chosen.fits(file, row):
            fitting.append(file)
    if chosen is None:
        refuse_pickles(path)
        writers = "; ".join(f"{each.name}, {each.writer}" for each in candidates)
        raise UserError(
            f"{path} is no rollout log that can be read. Expected one of: {writers}. Write its"
            " rollouts in the neutral format (docs/rollouts.md), or check the path."
        )
    return chosen, fitting


def rollouts_of(
    file: LogFile, log_format: LogFormat, decode: Decode | None
) -> Iterator[tuple[int, LoggedRollout | Rejection]]:
    """Number of the row, from 1, and each rollout or rejection of it."""
    for line in rows_of(file):
        if isinstance(line, Rejection):
            yield line.line, line
            continue
        try:
            for rollout in log_format.rollouts(file, line, decode):
                yield line.number, rollout
        except UnusableRow as reason:
            yield line.number, Rejection(line.number, str(reason), shown(line.row, line.content))
        except OTHER_STRUCTURE:
            reason = f"its fields are nested otherwise than {log_format.name} writes them"
            yield line.number, Rejection(line.number, reason, shown(line.row, line.content))
