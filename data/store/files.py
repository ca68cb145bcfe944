"""The only module that touches the files of a store: written beside, renamed, never changed."""

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
CHECK_SECONDS = 1.0  # `is_held` takes a lock for a moment: who wants to hold it waits as long

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS}


class StoreError(UserError):
    """What is wrong with a store, what was expected of it and what to do."""


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
    """A file name that nobody else makes; names of one prefix sort by the time they were made."""
    return f"{prefix}-{time.time_ns():020d}-{secrets.token_hex(4)}.parquet"


def fixed_name(prefix: str, content: str, place: int = 0) -> str:
    """The file name of rows with this hash: whoever writes them again writes the same file.

    place: among the parts of a run, which are read in the order of their names
    """
    return f"{prefix}-{place:020d}-{content[:16]}.parquet"


def sync_folder(folder: Path) -> None:
    """Without this a crash of the machine may forget a rename."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Like mkdir -p, and no folder that it makes is forgotten by a crash of the machine."""
    missing = [folder, *folder.parents]
    missing = missing[: next(i for i, parent in enumerate(missing) if parent.exists())]
    folder.mkdir(parents=True, exist_ok=True)
    for made in reversed(missing):
        sync_folder(made.parent)


def stage(root: Path, content: bytes | memoryview) -> Path:
    """A new file under .staging that holds `content` on the disk itself. Nobody reads it there."""
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
    """Files of these paths and contents: all are on the disk before the first gets its name.

    They get their names in order, so a reader who sees the last sees all. On an error none stays
    but those of another writer.
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
    """Write a file that is not there yet; False where another process was first."""
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
    """Paths, relative to `root`, of all parts under `folder`. A name with a leading dot is torn."""
    found = []
    open_folders = [folder]
    while open_folders:
        here = open_folders.pop()
        try:
            entries = list(os.scandir(root / here))
        except FileNotFoundError:  # nothing was written to this table yet
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                open_folders.append(f"{here}/{entry.name}")
            elif entry.name.endswith(".parquet"):
                found.append(f"{here}/{entry.name}")
    return sorted(found)


def exists(root: Path, path: str) -> bool:
    return os.path.exists(f"{root}/{path}")  # four times as fast as pathlib, for many parts


def size(root: Path, path: str) -> int:
    """Bytes."""
    return (root / path).stat().st_size


def move(root: Path, source: str, destination: str) -> None:
    """Rename within the store. One that another process has moved already is no error."""
    make_folder((root / destination).parent)
    try:
        (root / source).rename(root / destination)
    except FileNotFoundError:
        if not exists(root, destination):
            raise


def remove(root: Path, path: str) -> None:
    (root / path).unlink(missing_ok=True)


def staged_before(root: Path, seconds: float) -> list[str]:
    """Paths of half-written files older than `seconds`: what killed writers left behind."""
    old = []
    for entry in os.scandir(root / STAGING):
        try:
            if time.time() - entry.stat().st_mtime > seconds:
                old.append(f"{STAGING}/{entry.name}")
        except FileNotFoundError:  # its writer has just renamed it
            continue
    return sorted(old)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Nobody else works in `folder` meanwhile, whose name is the run's."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "lock", timeout=CHECK_SECONDS, poll_interval=0.02)
    try:
        lock.acquire()
    except Timeout as error:
        raise UserError(
            f"run {folder.name} is being worked on by another process. Wait for it, or stop it:"
            " the same command then goes on where it was."
        ) from error
    try:
        yield
    finally:
        lock.release()


def is_held(folder: Path) -> bool:
    """Whether anybody works in `folder` now."""
    if not (folder / "lock").exists():
        return False
    try:
        with FileLock(folder / "lock", timeout=0):
            return False
    except Timeout:
        return True
