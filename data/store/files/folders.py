"""Folders that are made, synced, and removed where they are empty."""

import os
from pathlib import Path

from data.store.files.names import LEVEL


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


def remove_empty_folders(root: Path, folder: str) -> None:
    """Remove the levels under the folder of a table that hold nothing: each costs a listing."""
    for current, _, _ in os.walk(root / folder, topdown=False):
        path = Path(current)
        if LEVEL.fullmatch(path.name):
            remove_empty(root, str(path.relative_to(root) / "any"))


def remove_empty(root: Path, path: str) -> None:
    """Remove the folders of the run and stage of `path` where nothing is in them."""
    for parent in Path(path).parents:
        if not LEVEL.fullmatch(parent.name):
            return
        try:
            (root / parent).rmdir()
        except OSError:  # it holds other parts, or another process removed it
            return
