"""Work in a pool of processes: results in the order of the items, with few items in memory."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeVar

from data.errors import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_in_order(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Generator[tuple[Item, Result], None, None]:
    """Each of `items` with what `function` returns for it, in the order of `items`.

    workers: how many processes; 1 calls `function` in this process

    At most workers + 1 items are in flight, so memory stays flat however many there are. Closing
    this iterator (use `contextlib.closing`) cancels what has not begun and ends the processes.
    """
    if workers == 1:
        for item in items:
            yield item, function(item)
        return
    # spawn: a fork would copy the locks of the threads of DuckDB, Polars and jax
    pool = ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=_start_worker
    )
    in_flight: deque[tuple[Item, Future[Result]]] = deque()
    try:
        for item in items:
            with _interrupts_blocked():
                in_flight.append((item, pool.submit(function, item)))
            if len(in_flight) > workers:
                yield _next_result(in_flight)
        while in_flight:
            yield _next_result(in_flight)
    except BrokenProcessPool as error:
        raise UserError(
            "A worker process ended unexpectedly; it may have run out of memory. What was stored"
            " before is kept: run the command again to resume. If a Python script of yours started"
            ' it, put the call under `if __name__ == "__main__":`, or pass workers=1.'
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _next_result(in_flight: deque[tuple[Item, Future[Result]]]) -> tuple[Item, Result]:
    item, future = in_flight.popleft()
    return item, future.result()


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """A process that starts meanwhile is not interrupted by Ctrl-C before it runs _start_worker."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _start_worker() -> None:
    """Leave Ctrl-C to the parent process, and end when the parent was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
