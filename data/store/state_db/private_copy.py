"""A private copy of state.db in a temporary folder, for reading a store that cannot be written.

SQLite's WAL mode needs to write beside the file even to read it, and parts that no one registered
yet must be registered somewhere. The copy is made again when state.db changes.
"""

import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

STATE_FILE = "state.db"
FILES = (STATE_FILE, f"{STATE_FILE}-wal")  # what SQLite has not moved into state.db is in the WAL


@dataclass
class Copy:
    """folder: is deleted at the end of the process   signature: of the files that were copied"""

    folder: tempfile.TemporaryDirectory[str]
    signature: tuple[tuple[int, int], ...] | None = None
    number: int = 0

    @property
    def path(self) -> Path:
        return Path(self.folder.name) / str(self.number) / STATE_FILE


_copies: dict[Path, Copy] = {}
_lock = threading.Lock()


def refreshed(folder: Path, complete: Callable[[Path], None]) -> Path:
    """The path of the copy of the state.db that `folder` has now.

    complete: makes the tables that a copy lacks
    """
    folder = folder.absolute()
    with _lock:
        signature = _signature(folder)
        copy = _copies.get(folder)
        if copy is not None and copy.signature == signature:
            return copy.path
        if copy is None:
            copy = _copies[folder] = Copy(tempfile.TemporaryDirectory("-thinkbench"))
        # an earlier copy stays: a snapshot may read it
        copy.number, copy.signature = copy.number + 1, None
        copy.path.parent.mkdir()
        for name in FILES:
            if (folder / name).exists():
                shutil.copyfile(folder / name, copy.path.with_name(name))
        complete(copy.path)
        copy.signature = signature
        return copy.path


def _signature(folder: Path) -> tuple[tuple[int, int], ...]:
    stats = [path.stat() for name in FILES if (path := folder / name).exists()]
    return tuple((stat.st_size, stat.st_mtime_ns) for stat in stats)
