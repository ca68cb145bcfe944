"""Files of a store: each is written under .staging, synced, then renamed, and never changed.

No other module writes into a store's folder, state.db apart.
"""

import errno
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from data.errors import UserError

STAGING = ".staging"
TRASH = ".trash"
DAMAGED = "damaged@"  # of a folder in the trash with parts that cannot be read
LOCKS = ".locks"
CHECK_SECONDS = 1.0  # `is_locked` takes a lock for a moment: `locked` waits as long for it

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS}
NO_FOLDER = {errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP,
             errno.EINVAL}  # fmt: skip
BROKEN = {errno.EIO, errno.ESTALE, errno.ENXIO}

FIRST_TIME = 10**15  # no run has as many rows, and no clock shows such a time in nanoseconds
PART_NAME = re.compile(r"(part|pair|merged)-[0-9]{20}-[A-Za-z0-9]+\.parquet")  # as below
LEVEL = re.compile(r"(run|stage)=[A-Za-z0-9_-][A-Za-z0-9._-]*")  # a folder between table and parts


class StoreError(UserError):
    """A store cannot be read or written: what is wrong, what was expected and what to do."""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """What a disk or a path under `path` refuses becomes a `StoreError`; a bug stays a bug."""
    try:
        yield
    except OSError as error:
        if (what_to_do := _what_to_do(error.errno)) is None:
            raise
        name = error.filename or path
        raise StoreError(f"{name}: {os.strerror(error.errno or 0)}. {what_to_do}") from error


def _what_to_do(number: int | None) -> str | None:
    if number in FULL:
        return (
            "These rows were not written; all that was written before is whole. Free some space,"
            " then run the same command again."
        )
    if number in CLOSED:
        return (
            "A store must be writable. Change the folder's permissions, or name another folder"
            " with --store."
        )
    if number in NO_FOLDER:
        return "Expected a path that can be a folder. Name another folder with --store."
    if number in BROKEN:
        return "The disk cannot be read. Mend it or mount it again, or restore a backup."
    return None


def new_name(prefix: str) -> str:
    """A unique file name; names of one prefix sort by the time they were made."""
    return f"{prefix}-{time.time_ns():020d}-{secrets.token_hex(4)}.parquet"


def fixed_name(prefix: str, content: str, position: int = 0) -> str:
    """The file name of rows with this hash: writing them again writes the same file.

    position: among the parts of a run, which are read in the order of their names
    """
    return f"{prefix}-{position:020d}-{content[:16]}.parquet"


def is_fixed(path: str) -> bool:
    """Whether `fixed_name` made the name of this part; in other names the number is a time."""
    return int(_name(path).split("-")[1]) < FIRST_TIME


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


def write(root: Path, contents: list[tuple[str, bytes | memoryview]]) -> None:
    """Write files of these paths and contents: all are synced before the first is renamed.

    They are renamed in order, so a reader who sees the last sees all. After an error those that
    were renamed stay: another writer may have written the same path, and counts on it.
    """
    staged: list[Path] = []
    try:
        for _, content in contents:
            staged.append(stage(root, content))
        for file, (path, _) in zip(staged, contents, strict=True):
            _rename(file, root / path)
            sync_folder((root / path).parent)
    except OSError:
        for file in staged:
            file.unlink(missing_ok=True)
        raise


def _rename(file: Path, destination: Path) -> None:
    """Rename into a folder that is made where it is missing, also if a sweep removes it again."""
    while True:
        try:
            make_folder(destination.parent)
            file.rename(destination)
            return
        except FileNotFoundError:
            if not file.exists():
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
    """Paths, relative to `root`, of all parts under `folder`. Files of other names are ignored."""
    return sorted(path for path in _files(root, folder) if PART_NAME.fullmatch(_name(path)))


def foreign_files(root: Path, folder: str) -> list[str]:
    """Paths of the Parquet files under `folder` whose names are not those of parts."""
    return sorted(
        path
        for path in _files(root, folder)
        if path.endswith(".parquet") and not PART_NAME.fullmatch(_name(path))
    )


def _files(root: Path, folder: str) -> Iterator[str]:
    """Paths of the files in `folder` and in its levels of runs and stages, without hidden ones."""
    pending = [folder]
    while pending:
        current = pending.pop()
        try:
            entries = list(os.scandir(f"{root}/{current}"))
        except FileNotFoundError:  # nothing was written to this table yet
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if not entry.is_dir(follow_symlinks=False):
                yield f"{current}/{entry.name}"
            elif LEVEL.fullmatch(entry.name):
                pending.append(f"{current}/{entry.name}")


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def remove_empty_folders(root: Path, folder: str) -> None:
    """Remove the levels under the folder of a table that hold nothing: each costs a listing."""
    for current, _, _ in os.walk(root / folder, topdown=False):
        path = Path(current)
        if LEVEL.fullmatch(path.name):
            remove_empty(root, str(path.relative_to(root) / "any"))


def in_trash(root: Path, path: str, since: int) -> str | None:
    """The path in the trash of a part whose run was deleted at `since` [\u00b5s] or later; or None.

    An earlier deletion of a run of that name may have left an equal path: that is another part.
    """
    folders = sorted(os.listdir(root / TRASH), reverse=True) if exists(root, TRASH) else []
    times = ((folder, folder.rpartition("@")[2]) for folder in folders if DAMAGED not in folder)
    late = (folder for folder, time in times if time.isdecimal() and int(time) >= since)
    paths = (f"{TRASH}/{folder}/{path}" for folder in late)
    return next((trashed for trashed in paths if exists(root, trashed)), None)


def exists(root: Path, path: str) -> bool:
    return os.path.exists(f"{root}/{path}")  # four times as fast as pathlib, for many parts


def size(root: Path, path: str) -> int:
    """Bytes."""
    return (root / path).stat().st_size


_PLAIN: dict[Path, tempfile.TemporaryDirectory[str]] = {}


def plain(root: Path) -> Path:
    """`root` as an absolute path that SQL can name: DuckDB takes some characters for patterns.

    Where it has one of them, or is no UTF-8, this is a link in a temporary folder.
    """
    root = root.absolute()
    if not re.search(r"[*?\[\\]|[\ud800-\udfff]", str(root)):
        return root
    if root not in _PLAIN:
        folder = tempfile.TemporaryDirectory("-thinkbench")
        (Path(folder.name) / "store").symlink_to(root)
        _PLAIN.setdefault(root, folder)
    return Path(_PLAIN[root].name) / "store"


def move(root: Path, source: str, destination: str) -> None:
    """Rename within the store. It is no error if another process has moved the file already."""
    make_folder((root / destination).parent)
    try:
        (root / source).rename(root / destination)
    except FileNotFoundError:
        if not exists(root, destination):
            raise


def remove(root: Path, path: str) -> None:
    """Delete a file, and the folders of its run and stage where they are empty then."""
    (root / path).unlink(missing_ok=True)
    remove_empty(root, path)


def remove_empty(root: Path, path: str) -> None:
    """Remove the folders of the run and stage of `path` where nothing is in them."""
    for parent in Path(path).parents:
        if not LEVEL.fullmatch(parent.name):
            return
        try:
            (root / parent).rmdir()
        except OSError:  # it holds other parts, or another process removed it
            return


def remove_staged(root: Path, path: str) -> None:
    """Delete a file or a folder under .staging; a folder whose lock a process holds stays."""
    if not (root / path).is_dir():
        (root / path).unlink(missing_ok=True)
    elif not is_locked(root / path):
        shutil.rmtree(root / path, ignore_errors=True)


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
