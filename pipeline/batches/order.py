"""The batches of a run's steps, through a Grain iterator whose state is saved with the weights."""

import json
from collections.abc import Iterator
from typing import Any

import grain.python as grain
import numpy as np

# Grain's own endless repetition overflows where a batch is one row: len() takes no larger number
EPOCHS = 2**31


def shuffled(count: int, seed: int) -> grain.MapDataset:
    """The numbers below `count`, in another order in each of EPOCHS epochs."""
    return grain.MapDataset.source(range(count)).shuffle(seed=seed).repeat(EPOCHS)


class StepOrder:
    """The first `steps` batches of `dataset`; batches before `state` are not read again on resume.

    dataset: endless batches, a pure function of seed, epoch and step
    state: the result of `state()` after some step; None at the start
    """

    def __init__(self, dataset: grain.MapDataset, state: str | None, steps: int) -> None:
        self._batches = dataset.to_iter_dataset(grain.ReadOptions(num_threads=0)).__iter__()
        self.steps, self.done = steps, 0
        if state is not None:
            self._batches.set_state(json.loads(state))
            self.done = self._batches.get_state()["next_index"]

    def state(self) -> str:
        """The state of the iterator after the batches taken so far."""
        return json.dumps(self._batches.get_state())

    def remaining(self) -> Iterator[dict[str, np.ndarray[Any, Any]]]:
        """The batches of the steps that are not done."""
        for _ in range(self.done, self.steps):
            batch = next(self._batches)
            yield {name: np.asarray(value) for name, value in batch.items()}
