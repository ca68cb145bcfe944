"""The order of examples and problems: every batch size, and the same order as ever."""

import grain.python as grain
import numpy as np
import pytest

from pipeline.batches.order import StepOrder, shuffled


def batches(batch: int, count: int = 5, steps: int = 12) -> list[list[int]]:
    dataset = shuffled(count, seed=3).batch(batch).map(lambda rows: {"rows": rows})
    return [one["rows"].tolist() for one in StepOrder(dataset, None, steps).remaining()]


@pytest.mark.parametrize("batch", [1, 2, 3, 7])
def test_batches_of_every_size_are_cut_from_one_order(batch):
    alone = [row for rows in batches(1, steps=12 * batch) for row in rows]
    assert [row for rows in batches(batch) for row in rows] == alone
    assert sorted(alone[:5]) == list(range(5))


def test_the_order_is_that_of_grains_endless_repetition():
    endless = grain.MapDataset.source(range(5)).shuffle(seed=3).repeat()
    expected = np.array([endless[index] for index in range(24)])
    assert np.concatenate(batches(2)).tolist() == expected.tolist()


def test_batches_of_one_go_on_from_a_saved_state():
    dataset = shuffled(5, seed=3).batch(1).map(lambda rows: {"rows": rows})
    order = StepOrder(dataset, None, 6)
    steps = order.remaining()
    first = [next(steps)["rows"].tolist() for _ in range(3)]
    rest = [one["rows"].tolist() for one in StepOrder(dataset, order.state(), 6).remaining()]
    assert first + rest == batches(1, steps=6)
