"""Looks after jobs for as long as the app runs: those that nobody watches any more are found."""

import contextlib
import sys
import threading
import traceback
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from data.store import Store, open_store
from workbench.app import state
from workbench.jobs import runner

EVERY = 30.0  # [s] between two looks
NAME = "orphaned jobs"  # of the thread


@contextlib.asynccontextmanager
async def looked_after(app: Any) -> AsyncIterator[None]:
    """While the app is served, a thread looks at its start and then every 30 s.

    An app that only reads looks at nothing: what is found is written down.
    """
    if not state.may_write():
        yield
        return
    ends = threading.Event()
    thread = threading.Thread(target=look, args=(state.folder(), ends), name=NAME, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ends.set()


def look(folder: Path, ends: threading.Event, every: float = EVERY) -> None:
    """Find orphans in the store of `folder`, where there is one, until `ends` is set."""
    store: Store | None = None
    while True:
        try:
            if store is None and (folder / "STORE.json").is_file():
                store = open_store(folder)
            if store is not None:
                runner.reconcile(store)
        except Exception:
            # told, and tried again: a disk that is full now may not be so later, and a thread that
            # ended would leave every later orphan unfound
            print("Orphaned jobs could not be looked for:", file=sys.stderr)
            traceback.print_exc()
        if ends.wait(every):
            return
