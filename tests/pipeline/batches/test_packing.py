"""Batches: every example once an epoch, every step on its own, and the loss of one at a time."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings, strategies as some

from data.errors import UserError
from pipeline.batches import packing
from pipeline.batches.sft import sft_batches
from pipeline.config import BadConfig, SftConfig
from pipeline.model.tokenizer import Tokens
from pipeline.presets.load import load_preset
from tests.support.two_layers import assert_same, loss_and_gradient

PAD, WIDTH = 0, 64
sizes = some.lists(some.integers(2, WIDTH), min_size=1, max_size=80)
ways = some.sampled_from(["padded", "bucketed", "packed"])


def examples_of(lengths) -> list[Tokens]:
    """Examples of these lengths that differ in their first token; half of each is a prompt."""
    return [
        Tokens(
            np.concatenate([[1_000 + n], np.full(length - 1, 7)]).astype(np.int32),
            np.arange(length) >= length // 2,
        )
        for n, length in enumerate(lengths)
    ]


def batches_of(examples, count: int, **knobs) -> list[dict[str, np.ndarray]]:
    """The first `count` batches."""
    dataset = sft_batches(examples, SftConfig(**knobs), PAD)
    return [at(dataset, step) for step in range(count)]


def at(dataset, step: int) -> dict[str, np.ndarray]:
    batch = dataset[step]
    assert batch is not None
    return batch


def examples_in(batch) -> list[tuple[int, int]]:
    """Number and length of each example of a batch; every segment is checked."""
    examples = []
    for ids, completion, segments in zip(*(batch[k] for k in batch), strict=True):
        for segment in range(1, segments.max() + 1):
            columns = np.flatnonzero(segments == segment)
            length = len(columns)
            assert columns[-1] - columns[0] + 1 == length
            assert (completion[columns] == (np.arange(length) >= length // 2)).all()
            examples.append((int(ids[columns[0]]) - 1_000, length))
        assert (ids[segments == 0] == PAD).all()
        assert not completion[segments == 0].any()
    return examples


@settings(max_examples=60, deadline=None)
@given(lengths=sizes, batch=some.integers(1, 5), seed=some.integers(0, 3), way=ways)
def test_each_epoch_uses_every_example_once_and_whole(lengths, batch, seed, way):
    config = SftConfig(batch=batch, batching=way, seed=seed, max_tokens=WIDTH)
    dataset = sft_batches(examples_of(lengths), config, PAD)
    n, stream, step = len(lengths), [], 0
    while len(stream) < 2 * n:  # the last batch may reach into a third epoch
        stream += examples_in(at(dataset, step))
        step += 1
    for epoch in (stream[:n], stream[n : 2 * n]):
        assert sorted(epoch) == list(enumerate(lengths))


@settings(max_examples=60, deadline=None)
@given(lengths=sizes, seed=some.integers(0, 3), epoch=some.integers(0, 3))
def test_a_plan_of_an_epoch_loses_and_doubles_nothing(lengths, seed, epoch):
    rows = packing.packed_epoch(lengths, WIDTH, seed, epoch)
    assert sorted(index for row in rows for index in row) == list(range(len(lengths)))
    assert max(sum(lengths[index] for index in row) for row in rows) <= WIDTH
    half_empty = [row for row in rows if 2 * sum(lengths[index] for index in row) <= WIDTH]
    assert len(half_empty) <= 1  # else the first of them would hold the other
    batches = packing.bucketed_epoch(lengths, 3, seed, epoch)
    assert sorted(p for rows in batches for row in rows for p in row) == list(range(len(lengths)))
    assert sum(len(rows) < 3 for rows in batches) <= 1


@pytest.mark.parametrize("way", ["padded", "bucketed", "packed"])
def test_the_batch_of_any_step_can_be_read_first(way):
    rows = examples_of(np.random.default_rng(0).integers(2, 60, 50).tolist())
    config = SftConfig(batch=4, batching=way, max_tokens=60)
    before = batches_of(rows, 40, batch=4, batching=way, max_tokens=60)
    for step in (39, 7):
        alone = at(sft_batches(rows, config, PAD), step)
        assert all(np.array_equal(alone[name], before[step][name]) for name in alone)


@pytest.mark.parametrize("way", ["bucketed", "packed"])
def test_neither_two_seeds_nor_two_epochs_have_one_order(way):
    rows = examples_of([20] * 30)
    one, other = (
        [examples_in(step) for step in batches_of(rows, 10, batch=3, batching=way, seed=seed)]
        for seed in (0, 1)
    )
    assert all(first != second for first, second in zip(one, other, strict=True))
    assert packing.packed_epoch([20] * 30, 64, 0, 0) != packing.packed_epoch([20] * 30, 64, 0, 1)


def test_the_longest_example_goes_first_into_the_first_row_that_has_room():
    assert packing.first_fit_decreasing([3, 9, 4, 6, 7], [0, 1, 2, 3, 4], 10) == [
        [1], [4, 0], [3, 2],
    ]  # fmt: skip


def test_an_example_longer_than_a_row_is_refused_with_both_lengths():
    with pytest.raises(UserError, match="11 tokens, a row 10; raise max_tokens"):
        packing.first_fit_decreasing([3, 11], [0, 1], 10)


def test_bucketed_batches_have_few_widths_that_fit_what_they_hold():
    lengths = np.random.default_rng(0).integers(20, 1_000, 400).tolist()
    batches = batches_of(examples_of(lengths), 100, batch=4, batching="bucketed")
    shapes = {batch["ids"].shape for batch in batches}
    assert len(shapes) > 1
    assert {width for _, width in shapes} <= set(packing.widths(1_024))
    steps = pairwise(packing.widths(1_024))
    assert all(below < above <= 1.5 * below for below, above in steps)


def test_packed_rows_are_fuller_than_bucketed_and_those_than_padded():
    lengths = np.exp(np.random.default_rng(0).normal(5, 0.8, 500)).astype(int).clip(2, 1_024)
    rows, full = examples_of(lengths.tolist()), {}
    for way in ("padded", "bucketed", "packed"):
        batches = batches_of(rows, 8, batch=8, batching=way)
        full[way] = np.mean([(batch["segments"] > 0).mean() for batch in batches])
    assert full["padded"] < full["bucketed"] < full["packed"]
    assert full["packed"] > 0.9


def test_a_batching_that_does_not_exist_is_refused():
    with pytest.raises(BadConfig, match="padded, bucketed, packed; got 'folded'"):
        SftConfig(batching="folded")


def test_real_presets_pack_and_the_tiny_one_does_not():
    batching = {name: load_preset(name).sft.batching for name in ("tiny", "v6e-1", "v5e-8", "h200")}
    assert batching == {"tiny": "padded", "v6e-1": "packed", "v5e-8": "packed", "h200": "packed"}


def test_packed_examples_have_the_loss_and_gradient_of_examples_alone(pair):
    rng = np.random.default_rng(0)
    examples = [
        # one begins with its completion: nothing predicts a first token, packed or not
        Tokens(rng.integers(110, 500, length).astype(np.int32), np.arange(length) >= prompt)
        for length, prompt in ((17, 5), (9, 2), (3, 0), (12, 4), (5, 1))
    ]
    sharing = [[examples[3], examples[1]], [examples[0], examples[2]], [examples[4]]]
    alone, shared = (
        packing.batch_of(rows, batch=6, length=21, pad=PAD)  # the last rows are empty
        for rows in ([[one] for one in examples], sharing)
    )
    assert_same(loss_and_gradient(pair[0], **shared), loss_and_gradient(pair[0], **alone))
