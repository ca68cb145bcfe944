"""A block of work as a run: how an error or a signal ended it, the seconds it took, the device."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from data.store import Store, runs


@contextmanager
def timed_run(
    store: Store, run: str, state: dict[str, Any] | None, device: str | None = None
) -> Iterator[Callable[[], dict[str, Any]]]:
    """Record how `run` ends if an error or a signal ends it; gives a function for its `seconds`.

    state:  the run's last state in the store; the seconds of earlier attempts are added
    device: on which it computes, if here; all that its attempts had stand beside the seconds
    """
    earlier = (state or {}).get("summary") or {}
    devices = [*earlier.get("devices", []), *([device] if device else [])]
    started = time.monotonic()

    def seconds() -> dict[str, Any]:
        taken = round(earlier.get("seconds", 0.0) + time.monotonic() - started, 1)
        return {"seconds": taken, "devices": list(dict.fromkeys(devices))}

    with runs.failures_recorded(store, run, seconds):
        yield seconds
