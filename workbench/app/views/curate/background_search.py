"""Searches for duplicates in processes beside the app, so that every page stays responsive.

A thread of the app would hold Python's lock and slow down every page.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import streamlit as st

from data.store import Store
from data.subsets import Choice, Step
from workbench.jobs import import_path

AT_ONCE = 2  # searches that run; the others wait
CACHED = 8  # results of the most recent searches
# [s] without a request, after which a search makes room for a waiting one; a browser asks for a
# hidden tab only once a minute
ABANDONED = 90.0
LAST = 2_000  # characters of the error output of a failed search


@dataclass
class Search:
    """One search.

    result: None until it is done   error: why it ended without a result
    requested, began: seconds of time.monotonic; began is None while the search waits
    """

    store: Path
    recipe: str
    requested: float
    began: float | None = None
    process: subprocess.Popen[bytes] | None = None
    out: IO[bytes] | None = None
    errors: IO[bytes] | None = None
    result: Choice | None = None
    error: str = ""

    @property
    def is_pending(self) -> bool:
        return self.result is None and not self.error


@dataclass
class Searches:
    """All searches of an app, the most recently requested last."""

    by_key: dict[tuple[str, ...], Search] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


@st.cache_resource
def _searches() -> Searches:
    return Searches()


def search(store: Store, recipe: str, of: str) -> Search:
    """The search for what `recipe` chooses; the first request starts it.

    of: a name of the rows that it chooses from: if they change, it is another search
    """
    searches, key = _searches(), (store.store_id, recipe, of)
    with searches.lock:
        now = time.monotonic()
        one = searches.by_key.pop(key, None) or Search(store.folder, recipe, now)
        searches.by_key[key] = one
        one.requested = now
        _advance(searches, now)
        return one


def forget(store: Store, recipe: str, of: str) -> None:
    """Remove a failed search, so that the next request starts it again."""
    searches = _searches()
    with searches.lock:
        searches.by_key.pop((store.store_id, recipe, of), None)


def _advance(searches: Searches, now: float) -> None:
    """Read the results of finished searches, and start waiting ones, the oldest first."""
    for one in searches.by_key.values():
        if one.is_pending and one.process is not None and one.process.poll() is not None:
            _read(one)
    alive = [(key, one) for key, one in searches.by_key.items() if one.is_pending]
    waiting = [one for _, one in alive if one.process is None and now - one.requested < ABANDONED]
    if len(waiting) + sum(one.process is not None for _, one in alive) > AT_ONCE:
        for key, one in alive:
            if now - one.requested >= ABANDONED:
                _stop(one)
                del searches.by_key[key]
    running = sum(one.is_pending and one.process is not None for one in searches.by_key.values())
    for one in waiting[: max(0, AT_ONCE - running)]:
        _start(one, now)
    done = [key for key, one in searches.by_key.items() if not one.is_pending]
    for key in done[:-CACHED]:
        del searches.by_key[key]


def _start(one: Search, now: float) -> None:
    command = [sys.executable, "-m", "workbench.app.views.curate.search_process", str(one.store)]
    # files, because a pipe could fill up; they are closed when the search ends
    one.out, one.errors = TemporaryFile(), TemporaryFile()  # noqa: SIM115
    one.process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=one.out,
        stderr=one.errors,
        env=os.environ | import_path(),
    )
    one.began = now
    assert one.process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it has ended already, with an error message
        one.process.stdin.write(f"{one.recipe}\n".encode())
        one.process.stdin.flush()  # left open: closing it ends the search


def _stop(one: Search) -> None:
    if one.process is not None:
        one.process.kill()
        one.process.wait()
        _close(one)


def _read(one: Search) -> None:
    assert one.process is not None
    assert one.out is not None
    assert one.errors is not None
    one.out.seek(0)
    one.errors.seek(0)
    if one.process.returncode:
        message = one.errors.read().decode("utf-8", errors="replace").strip()[-LAST:]
        one.error = message or f"It ended with code {one.process.returncode} and no message."
    else:
        result = json.loads(one.out.read())
        steps = [Step(**step) for step in result["steps"]]
        one.result = Choice(result["ids"], steps, result["tokens"])
    _close(one)


def _close(one: Search) -> None:
    assert one.process is not None
    for file in (one.process.stdin, one.out, one.errors):
        assert file is not None
        with contextlib.suppress(BrokenPipeError):
            file.close()
