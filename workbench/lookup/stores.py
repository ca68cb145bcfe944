"""The store that a command or page reads."""

from pathlib import Path

from data.errors import UserError
from data.store import Store, open_store


def existing_store(folder: Path) -> Store:
    """The store in `folder`; unlike `open_store`, this creates none."""
    if not (folder / "STORE.json").is_file():
        raise UserError(
            f"{folder} is not a store (it has no STORE.json). Name one with --store or"
            " THINKBENCH_STORE, or create one: thinkbench run --preset tiny"
        )
    return open_store(folder)
