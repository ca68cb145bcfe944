"""Runs: each says what made it, and a done one is made once."""

import errno
import hashlib
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from data.store import files, runs
from data.store.store import add, ask
from tests.support.store_rows import ids, rows_of

WHAT: dict[str, Any] = {"config": {"rate": 0.1}, "seed": 7, "inputs": {"examples": "abc"}}


def state_of(store, run):
    row = runs.state(store, run)
    assert row is not None
    return row


def test_a_fingerprint_does_not_depend_on_the_order_of_keys():
    assert runs.fingerprint(a=1, b={"x": [1, 2], "y": None}) == runs.fingerprint(
        b={"y": None, "x": [1, 2]}, a=1
    )


def test_a_fingerprint_stays_the_same_between_versions():
    text = b'{"a":1,"b":"\\u00e9"}'
    assert runs.fingerprint(b="é", a=1) == hashlib.sha256(text).hexdigest()


@pytest.mark.parametrize("other", [{"a": 2}, {"b": 1}, {"a": "1"}, {"a": 1, "b": None}, {"a": [1]}])
def test_a_fingerprint_differs_where_a_value_does(other):
    assert runs.fingerprint(**other) != runs.fingerprint(a=1)


def test_a_fingerprint_of_what_is_no_number_is_refused():
    with pytest.raises(ValueError, match="JSON"):
        runs.fingerprint(a=float("nan"))


def test_the_code_has_a_revision():
    assert len(runs.code_revision()) >= 16


def test_the_code_without_git_has_the_hash_of_its_source(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.py").write_text("1")
    monkeypatch.setattr(runs, "SOURCE", tmp_path)
    first = runs.code_revision.__wrapped__()
    (tmp_path / "data/a.py").write_text("2")
    assert first.startswith("source-")
    assert runs.code_revision.__wrapped__() != first


def test_a_run_that_began_and_ended_shows_both_and_all_that_made_it(store):
    runs.begin(store, "sft", run="r1", stage="sft", parent="r0", **WHAT)
    started = state_of(store, "r1")
    runs.end(store, "r1", "done", {"loss": 0.5})
    ended = state_of(store, "r1")
    assert (
        started
        | {"event": "done", "at": ended["at"], "ended_at": ended["at"]}
        | {"summary": {"loss": 0.5}}
        == ended
    )
    assert (started["at"], started["summary"], started["ended_at"]) == (
        started["started_at"],
        None,
        None,
    )
    assert {name: ended[name] for name in ("config", "seed", "inputs", "parent")} == WHAT | {
        "parent": "r0"
    }


def test_a_run_that_nobody_began_has_no_state(store):
    assert runs.state(store, "r1") is None


def test_a_done_run_is_not_begun_again(store):
    runs.begin(store, "sft", run="r1", **WHAT)
    runs.end(store, "r1", "done", {})
    with pytest.raises(runs.RunExists, match=r"'r1' was done at .* Give the new run another name"):
        runs.begin(store, "sft", run="r1", **WHAT)


@pytest.mark.parametrize("outcome", ["failed", "interrupted"])
def test_a_run_that_broke_off_may_begin_again(store, outcome):
    runs.begin(store, "sft", run="r1", **WHAT)
    runs.end(store, "r1", outcome, {"error": "x"})
    runs.begin(store, "sft", run="r1", **WHAT)
    state = state_of(store, "r1")
    assert (state["event"], state["summary"], state["ended_at"]) == ("started", None, None)


def test_a_run_that_never_began_cannot_end(store):
    with pytest.raises(ValueError, match="has not begun"):
        runs.end(store, "r1", "done", {})


def test_an_outcome_that_is_none_is_refused(store):
    runs.begin(store, "sft", run="r1", **WHAT)
    with pytest.raises(ValueError, match="expected done, failed or interrupted"):
        runs.end(store, "r1", "okay", {})


def test_the_view_runs_has_one_row_a_run(store):
    for run in ("r1", "r2"):
        runs.begin(store, "sft", run=run, **WHAT)
    runs.end(store, "r1", "done", {})
    query = "select run, event, seed, ended_at is not null as ended from runs order by run"
    assert ask(store, query).rows() == [("r1", "done", 7, True), ("r2", "started", 7, False)]


def test_a_done_run_leaves_one_part_a_table(store):
    runs.begin(store, "grpo", run="r1", **WHAT)
    for step in range(3):
        add(store, "metrics", rows_of("metrics", step=[step]), run="r1")
    runs.end(store, "r1", "done", {})
    assert ask(store, "select step from metrics order by all")["step"].to_list() == [0, 1, 2]
    assert len(list((store.folder / "metrics/run=r1").glob("merged-*"))) == 1


def test_events_of_many_runs_are_merged_and_none_is_lost(store, monkeypatch):
    monkeypatch.setattr(runs, "MANY_PARTS", 4)
    for i in range(4):
        runs.begin(store, "eval", run=f"r{i}", stage="sft" if i % 2 else None, **WHAT)
        runs.end(store, f"r{i}", "done", {"i": i})
    assert ask(store, "select run, event from runs order by all").rows() == [
        (f"r{i}", "done") for i in range(4)
    ]
    assert len(list((store.folder / "runs").glob("merged-*"))) >= 1


def test_a_deleted_run_is_gone_and_comes_back_whole(store):
    runs.begin(store, "grpo", run="r1", **WHAT)
    add(store, "metrics", rows_of("metrics", step=[1]), run="r1")
    runs.end(store, "r1", "done", {})
    before = state_of(store, "r1")
    runs.delete(store, "r1")
    gone = runs.state(store, "r1"), ask(store, "from metrics").height
    runs.restore(store, "r1")
    assert gone == (None, 0)
    assert (runs.state(store, "r1"), ask(store, "from metrics").height) == (before, 1)


def test_a_run_that_is_not_deleted_is_not_restored(store):
    runs.begin(store, "grpo", run="r1", **WHAT)
    with pytest.raises(ValueError, match="is not deleted"):
        runs.restore(store, "r1")


@pytest.fixture
def clock(monkeypatch):
    """A clock that can be set: `clock.at` is what it shows."""

    class Clock(datetime):
        at = datetime(2026, 11, 27, tzinfo=UTC)

        @classmethod
        def now(cls, tz=None):
            return cls.at

    monkeypatch.setattr(runs, "datetime", Clock)
    return Clock


@pytest.mark.parametrize("jump", [-86_400, -3_600, -1e-6, 0, 1e-6, 86_400 * 365 * 5])
def test_an_end_is_after_its_start_whatever_the_clock_does(store, clock, jump):
    runs.begin(store, "sft", run="r1", **WHAT)
    clock.at += timedelta(seconds=jump)
    runs.end(store, "r1", "done", {})
    assert (state_of(store, "r1")["event"], state_of(store, "r1")["ended_at"] is None) == (
        "done",
        False,
    )
    with pytest.raises(runs.RunExists):
        runs.begin(store, "sft", run="r1", **WHAT)


@pytest.mark.parametrize("jump", [-86_400, 0])
def test_a_run_that_is_deleted_restored_and_deleted_again_is_in_that_order(store, clock, jump):
    runs.begin(store, "sft", run="r1", **WHAT)
    for change, expected in (
        (runs.delete, None), (runs.restore, "started"), (runs.delete, None)
    ):  # fmt: skip
        clock.at += timedelta(seconds=jump)
        change(store, "r1")
        assert (runs.state(store, "r1") or {}).get("event") == expected
    clock.at += timedelta(seconds=jump)
    runs.begin(store, "sft", run="r1", **WHAT)
    assert state_of(store, "r1")["event"] == "started"


@pytest.mark.parametrize("late", ["failed", "interrupted"])
def test_a_run_that_another_process_has_finished_stays_done(store, late):
    for _ in range(2):  # two processes that make the same rows
        runs.begin(store, "convert", run="r1", **WHAT)
    runs.end(store, "r1", "done", {"n": 5})
    runs.end(store, "r1", late, {"error": "x"})
    assert (state_of(store, "r1")["event"], state_of(store, "r1")["summary"]) == ("done", {"n": 5})


def test_a_run_is_begun_by_one_process_at_a_time(store):
    """A start that waits for another process's end sees it: it never comes after it."""
    runs.begin(store, "sft", run="r1", **WHAT)
    errors: list[Exception] = []

    def begin():
        try:
            runs.begin(store, "sft", run="r1", **WHAT)
        except runs.RunExists as error:
            errors.append(error)

    with files.exclusive(store.folder, runs.EVENTS):
        second = threading.Thread(target=begin)
        second.start()
        time.sleep(0.1)
        before = len(ids(store, "run_events", "run"))
        runs._event(store, state_of(store, "r1") | {"event": "done", "summary": {}})
    second.join()
    assert (before, len(errors), state_of(store, "r1")["event"]) == (1, 1, "done")


def test_what_cannot_be_merged_on_a_full_disk_does_not_undo_the_end(store, monkeypatch):
    runs.begin(store, "sft", run="r1", **WHAT)
    add(store, "metrics", rows_of("metrics", step=[1]), run="r1")
    add(store, "metrics", rows_of("metrics", step=[2]), run="r1")
    write, parts = files.write, []

    def full(root, contents):
        parts.append(contents[0][0])
        if "merged-" in contents[0][0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(root, contents)

    monkeypatch.setattr(files, "write", full)
    runs.end(store, "r1", "done", {})
    assert any("merged-" in path for path in parts)
    assert state_of(store, "r1")["event"] == "done"
    assert ask(store, "select count(*) from metrics").item() == 2
