"""A block of work as a run: how an error or a signal ended it, and the seconds it took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from data.store import Store, runs


@contextmanager
def timed_run(
    store: Store, run: str, state: dict[str, Any] | None
) -> Iterator[Callable[[], dict[str, Any]]]:
    """Record how `run` ends if an error or a signal ends it; gives a function for its `seconds`.

    state: the run's last state in the store; the seconds of earlier attempts are added
    """
    before = state["summary"].get("seconds", 0.0) if state and state["summary"] else 0.0
    started = time.monotonic()

    def seconds() -> dict[str, Any]:
        return {"seconds": round(before + time.monotonic() - started, 1)}

    with runs.failures_recorded(store, run, seconds):
        yield seconds
