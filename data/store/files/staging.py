"""Files and folders that are written where no reader looks, until they are whole."""

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from data.store.files.errors import explained
from data.store.files.folders import make_folder
from data.store.files.listing import exists
from data.store.files.locks import exclusive, is_locked, locked

STAGING = ".staging"


def stage(root: Path, content: bytes | memoryview) -> Path:
    """A new file under .staging with `content`, synced to the disk. No reader looks there."""
    make_folder(root / STAGING)  # a copy of a store may lack it
    staged = root / STAGING / f"{time.time_ns():020d}-{secrets.token_hex(8)}"
    try:
        with staged.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        staged.unlink(missing_ok=True)
        raise
    return staged


@contextmanager
def staged_folder(root: Path, prefix: str) -> Iterator[Path]:
    """A folder under .staging with a lock. Those that killed processes left are removed first."""
    with explained(root), ExitStack() as stack:
        make_folder(root / STAGING)
        with exclusive(root, f"staging {prefix}"):  # a new one is not locked for a moment
            for left in (root / STAGING).glob(f"{prefix}-*"):
                remove_staged(root, f"{STAGING}/{left.name}")
            folder = tempfile.TemporaryDirectory(dir=root / STAGING, prefix=f"{prefix}-")
            path = Path(stack.enter_context(folder))
            stack.enter_context(locked(path))
        yield path


def remove_staged(root: Path, path: str) -> None:
    """Delete a file or a folder under .staging; a folder whose lock a process holds stays."""
    if not (root / path).is_dir():
        (root / path).unlink(missing_ok=True)
    elif not is_locked(root / path):
        shutil.rmtree(root / path, ignore_errors=True)


def staged_before(root: Path, seconds: float) -> list[str]:
    """What is under .staging and older than `seconds`: killed writers left it behind."""
    old: list[str] = []
    for entry in os.scandir(root / STAGING) if exists(root, STAGING) else ():
        try:
            if time.time() - entry.stat().st_mtime > seconds:
                old.append(f"{STAGING}/{entry.name}")
        except FileNotFoundError:  # its writer has just renamed it
            continue
    return sorted(old)
