"""A run that trains for hours leaves few parts at any time, and every number once."""

from types import SimpleNamespace

import polars as pl
import pytest

from data.store import add
from data.store.store import ask, open_store
from data.store.upkeep import compaction
from pipeline.train import metrics
from pipeline.train.metrics import StoreMetrics
from pipeline.train.rollouts.rollout_log import RolloutLog
from tests.support.store_rows import part_files, rows_of

HOURS = 9
STEPS = 5_000
SHORT = 600  # steps of them that the test runs: the number of parts is the same after the first
NAMES = [f"rollout/{n}" for n in range(20)]
MOST_PARTS = 200  # from which upkeep calls a store crowded
QUESTION = "select name, step, value from metrics where run = $run order by all"


class Clock(SimpleNamespace):
    now = 0.0

    def monotonic(self) -> float:
        return self.now


def live_parts(store) -> int:
    return compaction.live_parts(store, "metrics", "rollouts", "checkpoints")


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(metrics, "time", clock)
    return clock


def train(log: StoreMetrics, clock: Clock, steps: range) -> int:
    """Note the numbers of these steps at their times; the most parts there were at once."""
    most = 0
    for step in steps:
        clock.now = step * HOURS * 3600 / STEPS
        for name in NAMES:
            log.note(step, name, step / 2)
        if step % 10 == 0:
            log.add_rows("rollouts", rows_of("rollouts", run=["r"], step=[step]))
        if step % 50 == 0:
            add(log.store, "checkpoints", rows_of("checkpoints", run=["r"], step=[step]), run="r")
            most = max(most, live_parts(log.store))
    return most


def test_a_run_of_nine_hours_never_has_two_hundred_parts(store, clock):
    log = StoreMetrics(store, "r")
    most = train(log, clock, range(1, SHORT + 1))
    log.close()
    assert most < MOST_PARTS / 4  # the rest is room for steps of other lengths
    expected = [(name, step, step / 2) for name in NAMES for step in range(1, SHORT + 1)]
    assert ask(store, QUESTION, run="r").rows() == sorted(expected)
    steps = ask(store, "select step from rollouts order by step")["step"]
    assert steps.to_list() == list(range(10, SHORT + 1, 10))


def test_a_reader_sees_every_number_while_parts_are_merged(store, clock, monkeypatch):
    monkeypatch.setattr(metrics, "FLUSH_SECONDS", 0.0)
    log, reader = StoreMetrics(store, "r"), open_store(store.folder)
    for step in range(1, 3 * metrics.MERGE_PARTS):
        log.note(step, "loss", 1.0)
        if step % 8 == 0:
            assert ask(reader, QUESTION, run="r")["step"].to_list() == list(range(1, step + 1))


def test_a_run_that_was_killed_between_two_merges_goes_on(store, clock, monkeypatch):
    monkeypatch.setattr(metrics, "FLUSH_SECONDS", 0.0)
    first = StoreMetrics(store, "r")
    for step in range(1, metrics.MERGE_PARTS + 20):
        first.note(step, "loss", float(step))
    again = StoreMetrics(store, "r")  # nothing closed the first one
    again.resume(metrics.MERGE_PARTS + 10)
    for step in range(metrics.MERGE_PARTS + 11, 3 * metrics.MERGE_PARTS):
        again.note(step, "loss", float(step))
    rows = ask(store, QUESTION, run="r")
    expected = pl.Series("step", range(1, 3 * metrics.MERGE_PARTS), pl.Int64)
    assert rows["step"].equals(expected)
    assert rows["value"].to_list() == expected.to_list()
    assert live_parts(store) < 2 * metrics.MERGE_PARTS


def test_a_damaged_part_ends_no_run_and_no_number_is_stored_twice(store, clock, monkeypatch):
    monkeypatch.setattr(metrics, "FLUSH_SECONDS", 0.0)
    log = StoreMetrics(store, "r")
    log.note(1, "loss", 1.0)
    (part,) = part_files(store, "metrics")
    content = (store.folder / part).read_bytes()
    (store.folder / part).write_bytes(content[:4] + b"\xff" * 60 + content[64:])
    for step in range(2, 3 * metrics.MERGE_PARTS):
        log.note(step, "loss", float(step))
    log.close()
    (store.folder / part).write_bytes(content)
    steps = ask(store, QUESTION, run="r")["step"].to_list()
    assert steps == list(range(1, 3 * metrics.MERGE_PARTS))


@pytest.mark.parametrize("table", ["metrics", "rollouts"])
def test_an_interrupt_while_parts_are_merged_stores_no_row_twice(store, monkeypatch, table):
    def interrupted(store, run):
        raise KeyboardInterrupt

    monkeypatch.setattr(metrics, "MERGE_PARTS", 1)
    log = StoreMetrics(store, "r")
    rollouts = RolloutLog(log, [], group=1)
    if table == "metrics":
        log.note(1, "loss", 1.0)
    else:
        rollouts._rows = rows_of("rollouts", run=["r"], step=[1]).to_dicts()
    monkeypatch.setattr(metrics, "compact_run", interrupted)
    flush = log.flush if table == "metrics" else rollouts.flush
    with pytest.raises(KeyboardInterrupt):
        flush()
    flush()
    assert ask(store, f"select step from {table}")["step"].to_list() == [1]


def test_a_run_of_many_short_slices_is_merged_too(store, clock, monkeypatch):
    monkeypatch.setattr(metrics, "FLUSH_SECONDS", 0.0)
    flushes, slices = metrics.MERGE_PARTS - 2, 4
    for number in range(slices):
        log = StoreMetrics(store, "r")
        log.resume(number * flushes)
        for step in range(number * flushes + 1, (number + 1) * flushes + 1):
            log.note(step, "loss", 1.0)
        log.close()
    assert live_parts(store) < 2 * metrics.MERGE_PARTS
    steps = ask(store, QUESTION, run="r")["step"].to_list()
    assert steps == list(range(1, slices * flushes + 1))
