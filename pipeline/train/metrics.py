"""Numbers that training reports: buffered, then written to the store as rows."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import polars as pl
from tunix.sft.metrics_logger import MetricsLogger

from data.store import Store, add, ask
from pipeline.train.loggers import Writer

FLUSH_ROWS = 2_000
FLUSH_SECONDS = 15.0  # a run can be followed while it goes on


class StoreMetrics(MetricsLogger):
    """Tunix's logger without backends, whose numbers go to the store.

    Tunix's own starts wandb when it can be imported, and its `close` clears every listener of the
    process, those of the next stage too.
    """

    def __init__(self, store: Store, run: str, also: Sequence[Writer] = ()) -> None:
        super().__init__(None)
        self.store, self.run, self.also = store, run, also
        self.rows: list[dict] = []
        self._there: set[tuple[str, int]] = set()
        self.series: dict[str, list[tuple[int, float]]] = {}  # name -> (step, value), by step
        self.flushed = time.monotonic()

    def go_on(self, done: int) -> None:
        """Go on after `done` steps. What the store has of this run is not written again."""
        query = "select name, step, value from metrics where run = $run order by step"
        for name, step, value in ask(self.store, query, run=self.run).iter_rows():
            self._there.add((name, step))
            if step <= done:
                self.series.setdefault(name, []).append((step, value))

    def log(self, metrics_prefix, metric_name, scalar_value, mode, step) -> None:
        value = float(np.mean(np.asarray(scalar_value, dtype=np.float64)))
        self._metrics.setdefault(metrics_prefix, {}).setdefault(mode, {})[metric_name] = [value]
        name = "/".join(part for part in (metrics_prefix, str(mode), metric_name) if part)
        self.note(int(step), name, value)

    def note(self, step: int, name: str, value: float) -> None:
        self.series.setdefault(name, []).append((step, value))
        if (name, step) in self._there:
            return
        for writer in self.also:
            writer.write(step, name, value)
        at = datetime.now(UTC)
        self.rows.append({"run": self.run, "step": step, "name": name, "value": value, "at": at})
        waited = time.monotonic() - self.flushed
        if len(self.rows) >= FLUSH_ROWS or waited >= FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        for writer in self.also:  # first: what the store has is not written there again
            writer.flush()
        if self.rows:
            add(self.store, "metrics", pl.DataFrame(self.rows), run=self.run)
            self.rows = []
        self.flushed = time.monotonic()

    def close(self) -> None:
        """No number follows. Called by Tunix at the end of training; a second time does nothing."""
        self.flush()
        closing, self.also = self.also, ()
        for writer in closing:
            writer.close()
