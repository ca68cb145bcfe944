"""Orphaned jobs: the app finds them by itself, for as long as it runs, and only where it may."""

import asyncio
import signal
import subprocess
import sys
import threading

import pytest

from data.store import jobs
from data.store.jobs import job_of
from data.store.store import open_store
from tests import ROOT
from tests.data.store.test_jobs import until
from tests.workbench.app.test_main import free_port
from workbench.app.lifespan import lifespan
from workbench.jobs import reconcile
from workbench.jobs.reconcile import THREAD, reconcile_until

NOBODY = 2**22 + 1  # no process has this number: the system's largest is 2**22


def orphan(store) -> str:
    """A job that ran, by what is written down; nothing of it lives."""
    job, _ = jobs.submit(store, ["sft"], "ana")
    jobs.began(store, job.job, NOBODY)
    return job.job


@pytest.fixture
def looking():
    """Look after the store of a folder every 10 ms until the test ends."""
    ends, threads = threading.Event(), []

    def looking(folder):
        threads.append(threading.Thread(target=reconcile_until, args=(folder, ends, 0.01)))
        threads[-1].start()
        return threads[-1]

    yield looking
    ends.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_an_app_that_nobody_looks_at_finds_what_was_lost_and_still_ends(store):
    name = orphan(store)
    words = ["--store", str(store.folder), "app", "--port", str(free_port())]
    server = subprocess.Popen(
        [sys.executable, "-m", "workbench", *words],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: job_of(store, name).state == "lost")
    finally:
        server.send_signal(signal.SIGINT)
    assert server.wait(30) == 0


def test_what_is_lost_while_the_app_runs_is_found_too(store, looking):
    first = orphan(store)
    looking(store.folder)
    until(lambda: job_of(store, first).state == "lost")
    second = orphan(store)
    until(lambda: job_of(store, second).state == "lost")


def test_a_look_that_fails_is_told_and_the_next_one_is_taken(tmp_path, looking, capsys):
    folder = tmp_path / "store"
    folder.mkdir()
    (folder / "STORE.json").write_text("{")
    thread = looking(folder)
    told = ""

    def said() -> bool:
        nonlocal told
        told += capsys.readouterr().err
        return "The search for orphaned jobs failed" in told and "Error" in told

    until(said)
    assert thread.is_alive()
    (folder / "STORE.json").unlink()
    name = orphan(open_store(folder))
    until(lambda: job_of(open_store(folder), name).state == "lost")


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == THREAD]


@pytest.mark.parametrize(("read_only", "looks"), [("", 1), ("1", 0)])
def test_an_app_that_only_reads_looks_for_nothing(store, monkeypatch, read_only, looks):
    monkeypatch.setenv("THINKBENCH_STORE", str(store.folder))
    monkeypatch.setenv("THINKBENCH_READ_ONLY", read_only)
    monkeypatch.setattr(reconcile, "INTERVAL", 0.01)

    async def served() -> list[threading.Thread]:
        async with lifespan(None):
            return threads()

    found = asyncio.run(served())
    assert [thread.daemon for thread in found] == [True] * looks
    for thread in found:
        thread.join(10)
    assert threads() == []
