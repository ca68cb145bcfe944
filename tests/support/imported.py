"""Imports of a few rows, and two imports that have one id for two problems."""

import json
from pathlib import Path
from typing import Any

from data.store import runs
from data.store.store import Store
from evals.imports.import_file import import_file

ROW = {"problem_id": "p1", "question": "3 + 4?", "gold": "7", "text": "It makes 7"}


def import_rows(store: Store, folder: Path, name: str, *rows: dict[str, Any]) -> dict[str, Any]:
    """Import ROW, changed by each of `rows`, as the run `name`."""
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(ROW | row) + "\n" for row in rows or ({},)))
    return import_file(store, path, name)


def colliding(store: Store, folder: Path) -> None:
    """Runs a and b: both answer `shared`, and `p1` names another problem in each of them.

    a is deleted while b is imported, so that b finds the id free, and restored then.
    """
    shared = {"problem_id": "shared", "question": "2 + 2?", "gold": "4", "text": "It is 4"}
    import_rows(store, folder, "a", {}, shared, {"problem_id": "only", "question": "1 + 6?"})
    runs.delete(store, "a")
    import_rows(store, folder, "b", {"question": "9 - 1?", "gold": "8", "text": "8"}, shared)
    runs.restore(store, "a")
