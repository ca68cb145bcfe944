"""Files written whole, moved and removed. Only this folder writes into a store, state.db apart."""

import os
from pathlib import Path

from data.store.files.folders import make_folder, remove_empty, sync_folder
from data.store.files.listing import exists
from data.store.files.staging import stage


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
