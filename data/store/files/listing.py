"""Which files a store has, in its tables and in the trash."""

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from data.store.files.names import LEVEL, PART_NAME, file_name

TRASH = ".trash"
DAMAGED = "damaged@"  # of a folder in the trash with parts that cannot be read


def parquet_files(root: Path, folder: str) -> list[str]:
    """Paths, relative to `root`, of all parts under `folder`. Files of other names are ignored."""
    return sorted(path for path in _files(root, folder) if PART_NAME.fullmatch(file_name(path)))


def foreign_files(root: Path, folder: str) -> list[str]:
    """Paths of the Parquet files under `folder` whose names are not those of parts."""
    return sorted(
        path
        for path in _files(root, folder)
        if path.endswith(".parquet") and not PART_NAME.fullmatch(file_name(path))
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
