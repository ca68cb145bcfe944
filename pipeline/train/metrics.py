"""Numbers that training reports: written to the store as rows, and shown as progress."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from data.progress import Progress
from data.store import Store, add, ask
from data.store.files import StoreError
from data.store.upkeep import compact_run, live_parts
from pipeline.stopping import Stop
from pipeline.train.loggers import Writer

FLUSH_ROWS = 2_000
FLUSH_SECONDS = 15.0  # so that a run can be followed while it trains
MERGE_PARTS = 32  # parts of a run that are merged while it trains: nine hours write thousands


class StoreMetrics:
    """The metrics of one run: kept in memory for guards and progress, and added to the store.

    series: name -> (step, value), ordered by step
    writers: other destinations of the same numbers, such as TensorBoard
    """

    def __init__(self, store: Store, run: str, writers: Sequence[Writer] = ()) -> None:
        self.store, self.run, self.writers = store, run, writers
        self.series: dict[str, list[tuple[int, float]]] = {}
        self._rows: list[dict] = []
        self._stored: set[tuple[str, int]] = set()
        self._flushed_at = time.monotonic()
        self._parts = 0  # written since the last merge, by earlier processes too

    def resume(self, steps_done: int) -> None:
        """Continue after `steps_done` steps. Numbers that the store has are not written again."""
        self._parts = live_parts(self.store, "metrics", "rollouts", run=self.run)
        query = "select name, step, value from metrics where run = $run order by step"
        for name, step, value in ask(self.store, query, run=self.run).iter_rows():
            self._stored.add((name, step))
            if step <= steps_done:
                self.series.setdefault(name, []).append((step, value))

    def note(self, step: int, name: str, value: float) -> None:
        self.series.setdefault(name, []).append((step, value))
        if (name, step) in self._stored:
            return
        for writer in self.writers:
            writer.write(step, name, value)
        at = datetime.now(UTC)
        self._rows.append({"run": self.run, "step": step, "name": name, "value": value, "at": at})
        waited = time.monotonic() - self._flushed_at
        if len(self._rows) >= FLUSH_ROWS or waited >= FLUSH_SECONDS:
            self.flush()

    def latest(self, names: Mapping[str, str]) -> dict[str, float]:
        """label -> newest value, of those of `names` (label -> name) that have one."""
        points = {label: self.series.get(name) for label, name in names.items()}
        return {label: series[-1][1] for label, series in points.items() if series}

    def flush(self) -> None:
        for writer in self.writers:  # first: what is in the store is not sent to them again
            writer.flush()
        if self._rows:
            self.add_rows("metrics", pl.DataFrame(self._rows))
            self._rows = []  # before anything else can fail: they are stored
            self.merge_parts()
        self._flushed_at = time.monotonic()

    def add_rows(self, table: str, rows: pl.DataFrame) -> None:
        """Add `rows` of the run to a table. Call `merge_parts` when they are not kept any more."""
        add(self.store, table, rows, run=self.run)
        self._parts += 1

    def merge_parts(self) -> None:
        """Merge what the run has written, now and then. A merge that fails ends no run."""
        if self._parts >= MERGE_PARTS:
            self._parts = 0
            with suppress(StoreError):  # a full disk, a damaged part: the new rows are stored
                compact_run(self.store, self.run)

    def close(self) -> None:
        """Flush and end the writers. A second call does nothing."""
        self.flush()
        writers, self.writers = self.writers, ()
        for writer in writers:
            writer.close()


@dataclass(frozen=True)
class TrainingRun:
    """Where a training run keeps its files and reports to; the same for SFT and GRPO.

    folder: state/ (to resume from), adapters/ (GRPO) and, in the end, peft/ and merged/
    """

    folder: Path
    metrics: StoreMetrics
    progress: Progress
    stop: Stop = field(default_factory=Stop)


class StepTimer:
    """Tokens trained on per second, for the progress display."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def start(self) -> None:
        """The next step starts now; time since the last one, as for evaluation, does not count."""
        self._started = time.monotonic()

    def tokens_per_second(self, tokens: float) -> float:
        return tokens / max(time.monotonic() - self._started, 1e-9)
