"""Choices that take long, made by processes beside the app, so that every page goes on answering.

In a thread of the app they would hold Python's lock, and slow down what everybody looks at.
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
KEPT = 8  # answers, of the searches that were asked for last
# [s] without anybody asking, after which a search makes room for one that waits; a browser asks
# for a hidden tab once a minute only
LEFT = 90.0
LAST = 2_000  # characters of what a search said when it failed


@dataclass
class Search:
    """One search.

    found: once it is done   wrong: why it ended without an answer
    began: None while it waits; seconds as time.monotonic has them, as is asked
    """

    store: Path
    recipe: str
    asked: float
    began: float | None = None
    process: subprocess.Popen[bytes] | None = None
    out: IO[bytes] | None = None
    told: IO[bytes] | None = None
    found: Choice | None = None
    wrong: str = ""

    @property
    def lives(self) -> bool:
        return self.found is None and not self.wrong


@dataclass
class Searches:
    """All of an app, the one that was asked for last at the end."""

    known: dict[tuple[str, ...], Search] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


@st.cache_resource
def _searches() -> Searches:
    return Searches()


def search(store: Store, recipe: str, of: str) -> Search:
    """What `recipe` chooses, as far as that is known; whoever asks first has it looked for.

    of: names the rows that it chooses from: where they change, it is another search
    """
    every, key = _searches(), (store.store_id, recipe, of)
    with every.lock:
        now = time.monotonic()
        one = every.known.pop(key, None) or Search(store.folder, recipe, now)
        every.known[key] = one
        one.asked = now
        _go_on(every, now)
        return one


def forget(store: Store, recipe: str, of: str) -> None:
    """Look anew for what failed."""
    every = _searches()
    with every.lock:
        every.known.pop((store.store_id, recipe, of), None)


def _go_on(every: Searches, now: float) -> None:
    """Read what is done, and start what waits, the oldest first."""
    for one in every.known.values():
        if one.lives and one.process is not None and one.process.poll() is not None:
            _read(one)
    alive = [(key, one) for key, one in every.known.items() if one.lives]
    waiting = [one for _, one in alive if one.process is None and now - one.asked < LEFT]
    if len(waiting) + sum(one.process is not None for _, one in alive) > AT_ONCE:
        for key, one in alive:
            if now - one.asked >= LEFT:
                _stop(one)
                del every.known[key]
    running = sum(one.lives and one.process is not None for one in every.known.values())
    for one in waiting[: max(0, AT_ONCE - running)]:
        _start(one, now)
    done = [key for key, one in every.known.items() if not one.lives]
    for key in done[:-KEPT]:
        del every.known[key]


def _start(one: Search, now: float) -> None:
    command = [sys.executable, "-m", "workbench.app.views.curate.search_process", str(one.store)]
    # a pipe would fill up; they are closed when the search ends
    one.out, one.told = TemporaryFile(), TemporaryFile()  # noqa: SIM115
    one.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=one.out, stderr=one.told,
                                   env=os.environ | import_path())  # fmt: skip
    one.began = now
    assert one.process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it is gone already, and has told why
        one.process.stdin.write(f"{one.recipe}\n".encode())
        one.process.stdin.flush()  # and left open: its end is what ends the search


def _stop(one: Search) -> None:
    if one.process is not None:
        one.process.kill()
        one.process.wait()
        _close(one)


def _read(one: Search) -> None:
    assert one.process is not None
    assert one.out is not None
    assert one.told is not None
    one.out.seek(0)
    one.told.seek(0)
    if one.process.returncode:
        said = one.told.read().decode("utf-8", errors="replace").strip()[-LAST:]
        one.wrong = said or f"It ended with code {one.process.returncode}, without a word."
    else:
        read = json.loads(one.out.read())
        steps = [Step(**step) for step in read["steps"]]
        one.found = Choice(read["ids"], steps, read["tokens"])
    _close(one)


def _close(one: Search) -> None:
    assert one.process is not None
    for file in (one.process.stdin, one.out, one.told):
        assert file is not None
        with contextlib.suppress(BrokenPipeError):
            file.close()
