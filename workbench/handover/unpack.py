"""Unpacking: an archive becomes a store at a new path, whole or not at all."""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.progress import Progress
from data.store import FORMAT_VERSION, Store, ask, files, open_store, parts
from data.store.files import is_locked, locked
from data.store.state_db import connect
from data.store.upkeep import health
from workbench.formatting import size_text
from workbench.handover.archive import BadArchive, extract, is_inside, read_contents


def unpack_store(archive: Path, folder: Path, progress: Progress) -> dict[str, Any]:
    """Make the store of `archive` in `folder`, which must be new or empty; what it holds."""
    if not archive.is_file():
        raise UserError(f"there is no file {archive}; expected what `thinkbench pack` wrote")
    with files.explained(folder):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UserError(
                f"{folder} exists already and is not empty. A store is unpacked into a new folder:"
                " name another with --store, or move this one away."
            )
        files.make_folder(folder.absolute().parent)
    contents = read_contents(archive)
    _refuse_newer_store(archive, contents)
    _require_space(archive, folder, contents)
    _remove_abandoned(folder)
    beside = tempfile.mkdtemp(prefix=f".{folder.name}.unpack-", dir=folder.absolute().parent)
    try:
        with locked(Path(beside)):
            _unpack(archive, Path(beside) / "store", contents, progress)
            (Path(beside) / "store").rename(folder)
            files.sync_folder(folder.absolute().parent)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    store = open_store(folder)
    return {
        "store": str(folder),
        "from": str(archive),
        "packed_at": contents["packed_at"],
        "thinkbench": contents["thinkbench"],
        "parts": health(store)["parts"],
        "packed": contents["packed"],
        "left_out": contents["left_out"],
    }


def _unpack(archive: Path, staged: Path, contents: dict[str, Any], progress: Progress) -> None:
    """Extract and check: after this the folder is a store that answers questions."""
    staged.mkdir()
    total, done = sum(contents["files"].values()), 0

    def advance(n: int) -> None:
        nonlocal done
        done += n
        progress(done // 2**20, total // 2**20, {})

    extract(archive, staged, advance)
    store = open_store(staged)
    _refuse_paths_outside(archive, store)
    absent = health(store)["missing_parts"]
    if absent:
        raise BadArchive(
            f"{archive} lacks {absent} parts that its state.db has. Nothing was unpacked. Pack the"
            " store again."
        )


def _refuse_paths_outside(archive: Path, store: Store) -> None:
    """Refuse names in the rows that upkeep, or a resumed run, would follow out of the store."""
    with connect(store.folder) as state:
        names = [f"jobs/{job}" for (job,) in state.execute("select job from jobs")]
        paths = [path for (path,) in state.execute("select path from parts")]
    outside = [path for path in paths if path.split("/")[0] not in parts.FOLDERS.values()]
    runs = ask(
        store,
        "select run from run_events union select parent from run_events where parent is not null",
    )["run"]
    outside += [run for run in runs if not parts.NAME.fullmatch(run)]
    folders = ask(
        store,
        "select summary ->> '$.model' as path from run_events union select path from checkpoints",
    )["path"].drop_nulls()
    inner = [*names, *paths, *folders]
    if outside := [*outside, *(path for path in inner if not is_inside(path))]:
        raise BadArchive(
            f"{archive} names {outside[0]!r}, which is no name within a store. Nothing was"
            " unpacked. Do not trust where it comes from."
        )


def _refuse_newer_store(archive: Path, contents: dict[str, Any]) -> None:
    names = ("store_format", "thinkbench", "packed_at", "packed", "left_out")
    if absent := [name for name in names if name not in contents]:
        raise BadArchive(
            f"{archive} does not say its {', '.join(absent)}; expected what `thinkbench pack`"
            " wrote. Pack the store again."
        )
    if not isinstance(contents["store_format"], int) or contents["store_format"] > FORMAT_VERSION:
        raise BadArchive(
            f"{archive} holds a store of format {contents['store_format']}, packed by thinkbench"
            f" {contents['thinkbench']}; this thinkbench reads up to format {FORMAT_VERSION}."
            " Upgrade thinkbench, then unpack again."
        )


def _require_space(archive: Path, folder: Path, contents: dict[str, Any]) -> None:
    needed = sum(contents["files"].values())
    free = shutil.disk_usage(folder.absolute().parent).free
    if needed > free:
        raise UserError(
            f"the store of {archive} takes {size_text(needed)}, and {folder.absolute().parent} has"
            f" {size_text(free)} free. Free some space, or name another folder with --store."
        )


def _remove_abandoned(folder: Path) -> None:
    """Delete what a killed unpacking to the same folder has left."""
    for beside in folder.absolute().parent.glob(f".{folder.name}.unpack-*"):
        with suppress(OSError):
            if (beside / "lock").exists() and not is_locked(beside):
                shutil.rmtree(beside)
