"""Trash: the files of deleted runs, which can be restored.

A deleted run lies in `.trash/RUN@TIME/` under the paths that it had, so a run that is made again
under the same name finds its paths free. Stores of older versions have `.trash/TABLE/run=RUN/`.
"""

import os
import shutil
from pathlib import Path

from data.errors import UserError
from data.store import TABLES, Store, files, parts
from data.store.state_db import commit, connect, now
from data.store.upkeep import compaction

OUTPUTS = ("checkpoints", "evaluations", "exports", "imports")  # where a run has a folder


def set_aside(store: Store, run: str, again: bool = False) -> int:
    """Move the parts and folders of `run` to the trash; the number of its parts that were live.

    again: into the folder of its last deletion, which was interrupted

    Its events stay. After an interruption `settle` moves the rest.
    """
    refuse_while_in_use(store, run)
    with files.exclusive(store.folder, compaction.UPKEEP):
        _settle(store)
        parts.scan(store.folder, TABLES, (run,))
        last = newest(store, run) if again else None
        time = last.name.partition("@")[2] if last else ""
        moment = int(time or now())
        files.make_folder(_folder(store, run, moment))
        with commit(store.folder) as connection:
            condition = "table_name <> 'runs' and instr(path, ?) > 0"
            folder = f"/run={run}/"
            live = f"select count(*) from parts where status = 'live' and {condition}"
            n = connection.execute(live, (folder,)).fetchone()[0]
            # no question reads them from here on, and no scan registers their files again
            connection.execute(
                f"update parts set status = 'leaving', run = ?, changed_at = ? where {condition}",
                (run, moment, folder),
            )
            parts.touch(connection, TABLES)
        _move_outputs(store, run, _folder(store, run, moment))
        _settle(store)
    return n


def refuse_while_in_use(store: Store, run: str) -> None:
    if any(files.is_locked(store.folder / name / run) for name in OUTPUTS):
        raise UserError(
            f"another process works on run {run} now. Stop it, or wait until it has ended; then"
            " delete the run."
        )


def _folder(store: Store, run: str, moment: int) -> Path:
    return store.folder / files.TRASH / f"{run}@{moment:020d}"


def _move_outputs(store: Store, run: str, trash: Path) -> None:
    for name in OUTPUTS:
        if (store.folder / name / run).is_dir():
            (trash / name).mkdir(parents=True, exist_ok=True)
            (store.folder / name / run).rename(trash / name / run)


def settle(store: Store) -> None:
    """Finish deletions that were interrupted."""
    with files.exclusive(store.folder, compaction.UPKEEP):
        _settle(store)


def _settle(store: Store) -> None:
    with connect(store.folder) as connection:
        query = "select path, run, changed_at from parts where status = 'leaving'"
        leaving = connection.execute(query).fetchall()
    if not leaving:
        return
    for path, run, moment in leaving:
        if files.exists(store.folder, path):
            trash = _folder(store, run, moment).relative_to(store.folder)
            files.move(store.folder, path, f"{trash}/{path}")
            files.remove_empty(store.folder, path)
    with commit(store.folder) as connection:  # their paths are free again
        connection.execute("delete from parts where status = 'leaving'")


def bring_back(store: Store, run: str) -> int:
    """Undo the newest `set_aside` of `run`; the number of parts. `forget` ends it.

    Calling it again continues after an interruption.
    """
    with files.exclusive(store.folder, compaction.UPKEEP):
        _settle(store)
        trash = newest(store, run)
        if trash is None:
            raise UserError(
                f"the trash of {store.folder} holds nothing of run {run!r}: it was emptied. Make"
                " the run again, or restore a backup of the store."
            )
        for path in _files_in(trash, run):
            if not files.exists(store.folder, path):
                files.make_folder((store.folder / path).parent)
                (trash / path).rename(store.folder / path)
        parts.scan(store.folder, TABLES, (run,))
        with connect(store.folder) as connection:
            query = (
                "select count(*) from parts where run = ? and status = 'live'"
                " and table_name <> 'runs'"
            )
            return connection.execute(query, (run,)).fetchone()[0]


def newest(store: Store, run: str) -> Path | None:
    """The folder of the last deletion of `run`; None if the trash holds nothing of it."""
    trash = store.folder / files.TRASH
    folders = sorted(folder for folder in trash.glob("*@*") if folder.name.split("@")[0] == run)
    if folders:
        return folders[-1]
    return trash if _files_in(trash, run) else None  # of an older version


def _files_in(trash: Path, run: str) -> list[str]:
    """Paths in the trash, scores last: they make their texts visible."""
    if "@" not in trash.name:
        folders = (f"{folder}/run={run}" for folder in parts.FOLDERS.values())
        paths = [path for folder in folders for path in files.parquet_files(trash, folder)]
    else:
        paths = [
            str(Path(folder, name).relative_to(trash))
            for folder, _, names in os.walk(trash)
            for name in names
        ]
    return sorted(paths, key=lambda path: (path.startswith("scores/"), path))


def forget(store: Store, run: str) -> None:
    """Remove what `bring_back` has left of the newest deletion of `run`: empty folders."""
    trash = newest(store, run)
    if trash is not None and "@" in trash.name:
        shutil.rmtree(trash)


def size(store: Store) -> int:
    """The number of parts in the trash."""
    folder = store.folder / files.TRASH
    return sum(name.endswith(".parquet") for _, _, names in os.walk(folder) for name in names)
