"""A run that one process at a time works on: a lock that the system lets go with the process."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data.errors import UserError


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Nobody else works in `folder` meanwhile, whose name is the run's."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                f"run {folder.name} is being worked on by another process. Wait for it, or stop it:"
                " the same command then goes on where it was."
            ) from error
        yield


def is_held(folder: Path) -> bool:
    """Whether anybody works in `folder` now."""
    try:
        with (folder / "lock").open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
