"""Files of a store: each is written under .staging, synced, then renamed, and never changed.

No other module writes into a store's folder, state.db apart.
"""

import errno
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from data.errors import UserError

STAGING = ".staging"
TRASH = ".trash"
CHECK_SECONDS = 1.0  # `is_locked` takes a lock for a moment: `locked` waits as long for it

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS}


class StoreError(UserError):
    """A store cannot be read or written: what is wrong, what was expected and what to do."""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """A full or closed disk under `path` becomes a `StoreError`; other errors stay as they are."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise StoreError(
                f"{path}: {os.strerror(error.errno or 0)}. These rows were not written; all that "
                "was written before is whole. Free some space, then run the same command again."
            ) from error
        if error.errno in CLOSED:
            raise StoreError(
                f"{path}: {os.strerror(error.errno or 0)}. A store must be writable. "
                "Change the folder's permissions, or name another folder with --store."
            ) from error
        raise


def new_name(prefix: str) -> str:
    """A unique file name; names of one prefix sort by the time they were made."""
    return f"{prefix}-{time.time_ns():020d}-{secrets.token_hex(4)}.parquet"


def fixed_name(prefix: str, content: str, position: int = 0) -> str:
    """The file name of rows with this hash: writing them again writes the same file.

    position: among the parts of a run, which are read in the order of their names
    """
    return f"{prefix}-{position:020d}-{content[:16]}.parquet"


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` durable: without this a crash of the machine may lose them."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Like mkdir -p, and synced: no crash of the machine loses a folder that it makes."""
    missing = [folder, *folder.parents]
    missing = missing[: next(i for i, parent in enumerate(missing) if parent.exists())]
    folder.mkdir(parents=True, exist_ok=True)
    for folder in reversed(missing):
        sync_folder(folder.parent)


def stage(root: Path, content: bytes | memoryview) -> Path:
    """A new file under .staging with `content`, synced to the disk. No reader looks there."""
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


def write(root: Path, contents: list[tuple[str, bytes | memoryview]]) -> None:
    """Write files of these paths and contents: all are synced before the first is renamed.

    They are renamed in order, so a reader who sees the last sees all. On an error all are removed
    again, except those that another writer wrote.
    """
    staged: list[Path] = []
    named: list[Path] = []
    try:
        for _, content in contents:
            staged.append(stage(root, content))
        for file, (path, _) in zip(staged, contents, strict=True):
            make_folder((root / path).parent)
            file.rename(root / path)
            named.append(root / path)
            sync_folder((root / path).parent)
    except OSError:
        for file in [*staged, *named]:
            file.unlink(missing_ok=True)
        raise


def create(root: Path, path: str, content: bytes) -> bool:
    """Write a file that does not exist yet; False if another process was first."""
    staged = stage(root, content)
    try:
        os.link(staged, root / path)
    except FileExistsError:
        return False
    finally:
        staged.unlink()
    sync_folder(root)
    return True


def parquet_files(root: Path, folder: str) -> list[str]:
    """Paths, relative to `root`, of all parts under `folder`. Hidden files are ignored."""
    paths = []
    pending = [folder]
    while pending:
        current = pending.pop()
        try:
            entries = list(os.scandir(root / current))
        except FileNotFoundError:  # nothing was written to this table yet
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                pending.append(f"{current}/{entry.name}")
            elif entry.name.endswith(".parquet"):
                paths.append(f"{current}/{entry.name}")
    return sorted(paths)


def exists(root: Path, path: str) -> bool:
    return os.path.exists(f"{root}/{path}")  # four times as fast as pathlib, for many parts


def size(root: Path, path: str) -> int:
    """Bytes."""
    return (root / path).stat().st_size


def move(root: Path, source: str, destination: str) -> None:
    """Rename within the store. It is no error if another process has moved the file already."""
    make_folder((root / destination).parent)
    try:
        (root / source).rename(root / destination)
    except FileNotFoundError:
        if not exists(root, destination):
            raise


def remove(root: Path, path: str) -> None:
    (root / path).unlink(missing_ok=True)


def staged_before(root: Path, seconds: float) -> list[str]:
    """Paths of files under .staging older than `seconds`: killed writers left them behind."""
    old = []
    for entry in os.scandir(root / STAGING):
        try:
            if time.time() - entry.stat().st_mtime > seconds:
                old.append(f"{STAGING}/{entry.name}")
        except FileNotFoundError:  # its writer has just renamed it
            continue
    return sorted(old)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of `folder`, which is named after a run; a second process is refused.

    The operating system releases the lock when the process ends, also when it is killed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "lock", timeout=CHECK_SECONDS, poll_interval=0.02)
    try:
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
