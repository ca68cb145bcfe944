"""What of a store goes into an archive: rows, what resumes its runs, models and exports."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.store import TABLES, Store, ask, files, parts
from data.store.state_db import STATE_FILE, connect
from workbench.formatting import size_text
from workbench.handover.archive import is_inside

UNFINISHED = ("started", "interrupted", "failed")
MARK, CODE = "STORE.json", "code"
OF_JOBS = ("log.txt", "progress.json")
PER_FILE = 3 << 10  # bytes of an archive that a file takes besides its content, at most
COMPLETE = "commit_success.txt"  # Orbax writes it last into the folder of a step


@dataclass(frozen=True)
class Piece:
    """Files of a store that belong together.

    needed: whether the store cannot go on without them
    files:  path in the store -> bytes
    """

    name: str
    needed: bool
    files: dict[str, int]

    @property
    def size(self) -> int:
        return sum(self.files.values())

    @property
    def packed_size(self) -> int:
        """At most so many bytes of an archive, with headers, hashes and the table of contents."""
        return self.size + PER_FILE * len(self.files)


def pieces(store: Store, state: Path) -> list[Piece]:
    """All that is worth packing: what is needed first, then in the order of its worth.

    state: a copy of state.db; the parts that it has as live are those of the archive
    """
    runs = ask(
        store,
        "select run, kind, event, parent, summary ->> '$.model' as model from runs"
        " order by coalesce(ended_at, started_at) desc, run",
    ).to_dicts()
    unfinished = [run for run in runs if run["event"] in UNFINISHED]
    trained_from = {run["parent"] for run in unfinished}
    models = [
        run
        for run in _newest_of_kind_first(runs)
        if run["model"] and is_inside(run["model"]) and _is_done(run)
    ]
    candidates = [
        _rows(store, state),
        *(_piece(store, f"state of {run['run']}", True, _state(store, run)) for run in unfinished),
        *(
            _piece(
                store,
                f"model of {run['run']}",
                run["run"] in trained_from,
                _tree(store, run["model"]),
            )
            for run in sorted(models, key=lambda run: run["run"] not in trained_from)
        ),
        *_exports(store),
        *(
            _piece(store, f"adapters of {run['run']}", False, _adapters(store, run["run"]))
            for run in models
        ),
        _piece(store, "TensorBoard's files", False, _tree(store, "tensorboard")),
    ]
    return [piece for piece in candidates if piece.files]


def _is_done(run: dict[str, Any]) -> bool:
    return run["event"] == "done"


def _newest_of_kind_first(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The newest run of each kind, then the others; both by age."""
    newest: dict[str, str] = {}
    for run in runs:
        if run["model"] and _is_done(run):
            newest.setdefault(run["kind"], run["run"])
    return sorted(runs, key=lambda run: run["run"] not in newest.values())


def _piece(store: Store, name: str, needed: bool, paths: Iterable[str]) -> Piece:
    return Piece(name, needed, {path: files.size(store.folder, path) for path in paths})


def _rows(store: Store, state: Path) -> Piece:
    with connect(store.folder, path=state) as connection:
        live = [part.path for table in TABLES for part in parts.live(connection, table)]
    jobs = [path for path in _tree(store, "jobs") if path.rpartition("/")[2] in OF_JOBS]
    paths = [MARK, *live, *_tree(store, CODE), *_tree(store, "imports"), *jobs]
    piece = _piece(store, "rows", True, paths)
    return Piece(piece.name, True, piece.files | {STATE_FILE: state.stat().st_size})


def _state(store: Store, run: dict[str, Any]) -> Iterator[str]:
    """What a run that is not done resumes from: the newest whole step, and its adapters."""
    folder = f"checkpoints/{run['run']}"
    newest = _newest_step(store.folder / folder / "state")
    for path in _tree(store, folder):
        levels = path.removeprefix(f"{folder}/").split("/")
        if levels[0] == "merged":  # it is written last, and again
            continue
        if levels[0] != "state" or levels[1] == newest:
            yield path


def _newest_step(folder: Path) -> str | None:
    steps = [step.name for step in folder.glob("*") if (step / COMPLETE).is_file()]
    return max((step for step in steps if step.isdigit()), key=int, default=None)


def _adapters(store: Store, run: str) -> Iterator[str]:
    folder = f"checkpoints/{run}"
    for path in _tree(store, folder):
        if path.removeprefix(f"{folder}/").split("/")[0] not in ("merged", "state"):
            yield path


def _exports(store: Store) -> list[Piece]:
    """The exports in the store's own folder, the newest first."""
    folders = [path for path in (store.folder / "exports").glob("*") if path.is_dir()]
    newest_first = sorted(folders, key=lambda path: path.stat().st_mtime, reverse=True)
    return [
        _piece(store, f"export {folder.name}", False, _tree(store, f"exports/{folder.name}"))
        for folder in newest_first
        if not folder.name.startswith(".")
    ]


def _tree(store: Store, folder: str) -> list[str]:
    """Paths of the plain files under a folder of the store, without locks and unfinished ones."""
    paths = []
    for current, folders, names in os.walk(store.folder / folder):
        folders[:] = [name for name in folders if not _is_unfinished(name)]
        for name in names:
            path = Path(current, name)
            if name != "lock" and not name.endswith(".lock") and not path.is_symlink():
                paths.append(path.relative_to(store.folder).as_posix())
    return sorted(paths)


def _is_unfinished(name: str) -> bool:
    """Whether a folder is being written, or about to be deleted."""
    return name.startswith((".", "run=")) or name == "deleted" or "orbax-checkpoint-tmp" in name


def fitting(candidates: list[Piece], limit: int) -> tuple[list[Piece], list[Piece]]:
    """The pieces that fit into an archive of `limit` bytes together, and those that are left out.

    Raises UserError if what is needed does not fit.
    """
    room = limit - PER_FILE * 8  # the first and last entry, and the end of the file
    needed = [piece for piece in candidates if piece.needed]
    room -= sum(piece.packed_size for piece in needed)
    if room < 0:
        sizes = ", ".join(
            f"{piece.name} {size_text(piece.size)}"
            for piece in sorted(needed, key=lambda piece: -piece.size)
        )
        raise UserError(
            f"what the store needs to go on does not fit into {size_text(limit)}: {sizes}. Raise"
            " --limit, or delete runs that are not needed: thinkbench store delete RUN"
        )
    packed, left_out = [], []
    for piece in candidates:
        if piece.needed or piece.packed_size <= room:
            packed.append(piece)
            room -= 0 if piece.needed else piece.packed_size
        else:
            left_out.append(piece)
    return packed, left_out
