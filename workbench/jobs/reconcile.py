"""Finds orphaned jobs while the app runs: jobs whose watcher has ended unexpectedly."""

import contextlib
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

from data.store import Store, open_store
from workbench.jobs import runner

INTERVAL = 30.0  # [s] between two searches
THREAD = "orphaned jobs"  # the thread's name


@contextlib.contextmanager
def reconciling(folder: Path) -> Iterator[None]:
    """Search the store of `folder` in a thread: at once, then every 30 s until the block ends."""
    stop = threading.Event()
    thread = threading.Thread(target=reconcile_until, args=(folder, stop), name=THREAD, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()


def reconcile_until(folder: Path, stop: threading.Event, interval: float = INTERVAL) -> None:
    """Search the store of `folder`, where there is one, every `interval` [s] until `stop`."""
    store: Store | None = None
    while True:
        try:
            if store is None and (folder / "STORE.json").is_file():
                store = open_store(folder)
            if store is not None:
                runner.reconcile(store)
        except Exception:
            # reported and retried: a full disk may be mended later, and if the thread ended no
            # later orphan would be found
            print("The search for orphaned jobs failed:", file=sys.stderr)
            traceback.print_exc()
        if stop.wait(interval):
            return
