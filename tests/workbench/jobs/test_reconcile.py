"""Orphaned jobs: the app finds them while it runs, except in read-only mode."""

import asyncio
import signal
import subprocess
import sys
import threading
import time

import pytest

from data.store import jobs
from data.store.jobs import job_of
from data.store.state_db import commit
from data.store.store import open_store
from tests import ROOT
from tests.data.store.test_jobs import until
from tests.workbench.app.test_main import free_port
from workbench.app.lifespan import lifespan
from workbench.jobs import reconcile, runner
from workbench.jobs.reconcile import THREAD, reconcile_until

NOBODY = 2**22 + 1  # no process has this number: the system's largest is 2**22


def orphan(store) -> str:
    """A job that is recorded as running, without a process."""
    job, _ = jobs.submit(store, ["sft"], "ana")
    jobs.began(store, job.job, NOBODY)
    return job.job


@pytest.fixture
def reconcile_in_thread():
    """Reconcile the store of a folder every 10 ms until the test ends."""
    ends, threads = threading.Event(), []

    def start(folder):
        threads.append(threading.Thread(target=reconcile_until, args=(folder, ends, 0.01)))
        threads[-1].start()
        return threads[-1]

    yield start
    ends.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_an_app_without_a_browser_finds_a_lost_job_and_ends_on_ctrl_c(store):
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


def test_a_job_that_is_lost_while_the_app_runs_is_found(store, reconcile_in_thread):
    first = orphan(store)
    reconcile_in_thread(store.folder)
    until(lambda: job_of(store, first).state == "lost")
    second = orphan(store)
    until(lambda: job_of(store, second).state == "lost")


def test_a_search_that_fails_is_reported_and_repeated(tmp_path, reconcile_in_thread, capsys):
    folder = tmp_path / "store"
    folder.mkdir()
    (folder / "STORE.json").write_text("{")
    thread = reconcile_in_thread(folder)
    output = ""

    def reported() -> bool:
        nonlocal output
        output += capsys.readouterr().err
        return "The search for orphaned jobs failed" in output and "Error" in output

    until(reported)
    assert thread.is_alive()
    (folder / "STORE.json").unlink()
    name = orphan(open_store(folder))
    until(lambda: job_of(open_store(folder), name).state == "lost")


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == THREAD]


@pytest.mark.parametrize(("read_only", "searches"), [("", 1), ("1", 0)])
def test_a_read_only_app_does_not_search(store, monkeypatch, read_only, searches):
    monkeypatch.setenv("THINKBENCH_STORE", str(store.folder))
    monkeypatch.setenv("THINKBENCH_READ_ONLY", read_only)
    monkeypatch.setattr(reconcile, "INTERVAL", 0.01)

    async def served() -> list[threading.Thread]:
        async with lifespan(None):
            return threads()

    running = asyncio.run(served())
    assert [thread.daemon for thread in running] == [True] * searches
    for thread in running:
        thread.join(10)
    assert threads() == []


@pytest.mark.parametrize(("age", "watched"), [(5, False), (20, True), (-3_600, True)])
def test_a_queued_job_without_a_watcher_gets_one_also_when_the_clock_was_set_back(
    store, monkeypatch, age, watched
):
    job, _ = jobs.submit(store, ["sft"], "ana")
    created = int(time.time() - age) * 1_000_000
    with commit(store.folder) as connection:
        connection.execute("update jobs set created_at = ?", (created,))
    started = []
    monkeypatch.setattr(runner, "_watch", lambda store, name: started.append(name))
    runner.reconcile(store)
    assert started == [job.job] * watched
