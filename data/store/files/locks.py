"""Locks of a store, and of the folders of runs. A process that ends, or is killed, holds none."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from data.errors import UserError
from data.store.files.errors import explained

LOCKS = ".locks"
CHECK_SECONDS = 1.0  # `is_locked` takes a lock for a moment: `locked` waits as long for it


@contextmanager
def exclusive(root: Path, name: str) -> Iterator[None]:
    """Hold the lock `name` of the store in `root`; another process waits until it is released.

    The operating system releases the lock when the process ends, also when it is killed.
    """
    with explained(root):
        (root / LOCKS).mkdir(exist_ok=True)
        lock = FileLock(root / LOCKS / re.sub(r"[^A-Za-z0-9._-]", "_", name)[:200])
        lock.acquire(poll_interval=0.02)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of `folder`, which is named after a run; a second process is refused.

    The operating system releases the lock when the process ends, also when it is killed.
    """
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "lock", timeout=CHECK_SECONDS, poll_interval=0.02)
    try:
        with explained(folder):
            lock.acquire()
    except Timeout as error:
        raise UserError(
            f"run {folder.name} is locked by another process. Wait for it, or stop it: the same"
            " command then resumes the run."
        ) from error
    try:
        yield
    finally:
        lock.release()


def is_locked(folder: Path) -> bool:
    """Whether any process holds the lock of `folder` now."""
    if not (folder / "lock").exists():
        return False
    try:
        with FileLock(folder / "lock", timeout=0):
            return False
    except Timeout:
        return True
