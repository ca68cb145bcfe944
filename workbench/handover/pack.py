"""Packing: a store as it is at one moment, in one archive of a limited size."""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.progress import Progress
from data.store import TABLES, Store, files, parts, runs, schema
from data.store.files import is_locked
from data.store.state_db import STATE_FILE, connect, is_writable, now
from data.store.upkeep import compaction, trash
from workbench.formatting import size_text
from workbench.handover.archive import FORMAT, archive_bytes, write_archive
from workbench.handover.pieces import Piece, fitting, pieces

HANDED_OVER = "the store was packed while this job waited or ran; start it again"


@dataclass(frozen=True)
class Plan:
    """What an archive will hold. size: of the archive [bytes]"""

    contents: dict[str, Any]
    packed: list[Piece]
    left_out: list[Piece]
    size: int

    def to_json(self) -> dict[str, Any]:
        return {
            "bytes": self.size,
            "files": len(self.contents["files"]),
            "packed": {piece.name: piece.size for piece in self.packed},
            "left_out": {piece.name: piece.size for piece in self.left_out},
        }


def pack_store(
    store: Store,
    out: Path,
    limit: int,
    *,
    overwrite: bool = False,
    dry_run: bool = False,
    tell: Callable[[Plan], None] = lambda plan: None,
    progress: Progress,
) -> dict[str, Any]:
    """Write the store to the archive `out`; what it holds and what was left out.

    limit: of the archive [bytes]   tell: is called with the plan before anything is written
    """
    if out.exists() and not (overwrite or dry_run):
        raise UserError(
            f"{out} exists already: add --overwrite to replace it when the new archive is whole,"
            " or name another file"
        )
    if out.is_dir():
        raise UserError(f"{out} is a folder; expected the name of a file, such as store.tar")
    if not out.absolute().parent.is_dir():
        raise UserError(f"there is no folder {out.parent}; make it, or name another file")
    with _at_rest(store), tempfile.TemporaryDirectory("-thinkbench-pack") as folder:
        state = Path(folder) / STATE_FILE
        _copy_state(store, state)
        plan = _plan(store, state, limit)
        tell(plan)
        if not dry_run:
            _write(store, out, plan, state, progress)
    return {"path": str(out), **plan.to_json()}


@contextmanager
def _at_rest(store: Store) -> Iterator[None]:
    """No run of the store is in progress, and none of its parts is merged or moved meanwhile."""
    active = [
        folder.name
        for name in trash.OUTPUTS
        for folder in sorted((store.folder / name).glob("*"))
        if is_locked(folder)
    ]
    if active:
        raise UserError(
            f"run {active[0]} is in progress, and its checkpoints change. Wait until it ends, or"
            " stop it with Ctrl-C (or thinkbench jobs cancel): its state is saved, and the packed"
            " store resumes it."
        )
    writable = is_writable(store.folder)
    with files.exclusive(store.folder, compaction.UPKEEP) if writable else nullcontext():
        yield


def _copy_state(store: Store, target: Path) -> None:
    """Copy state.db as it is now, with all parts that are there. Jobs that live are lost there."""
    copy = parts.scan(store.folder, TABLES)
    with connect(store.folder, path=copy) as source, closing(sqlite3.connect(target)) as state:
        source.backup(state)
        state.execute(
            "update jobs set state = 'lost', message = ?, ended_at = ?, pid = null"
            " where state in ('queued', 'running')",
            (HANDED_OVER, now()),
        )
        state.commit()
        state.execute("pragma wal_checkpoint(truncate)")


def _plan(store: Store, state: Path, limit: int) -> Plan:
    packed, left_out = fitting(pieces(store, state), limit)
    contents = {
        "format": FORMAT,
        "thinkbench": version("thinkbench"),
        "code": runs.code_revision(),
        "store_format": schema.FORMAT_VERSION,
        "store_id": store.store_id,
        "packed_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "packed": {piece.name: piece.size for piece in packed},
        "left_out": {piece.name: piece.size for piece in left_out},
        "files": {path: size for piece in packed for path, size in piece.files.items()},
    }
    return Plan(contents, packed, left_out, archive_bytes(contents))


def _write(store: Store, out: Path, plan: Plan, state: Path, progress: Progress) -> None:
    free = shutil.disk_usage(out.absolute().parent).free
    if free < plan.size:
        raise UserError(
            f"the archive takes {size_text(plan.size)}, and {out.absolute().parent} has"
            f" {size_text(free)} free. Free some space, or name a file on another disk."
        )
    done = 0

    def advance(n: int) -> None:
        nonlocal done
        done += n
        progress(done // 2**20, plan.size // 2**20, {})

    def source(name: str) -> Path:
        return state if name == STATE_FILE else store.folder / name

    with files.explained(out):
        write_archive(out, plan.contents, source, advance)
