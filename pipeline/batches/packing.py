"""Batches of examples as a function of the step: padded, bucketed by length, or packed.

`padded` pads every row to the longest example of all. `bucketed` puts examples of similar length
into one batch, which is as wide as they are. `packed` puts several examples into one row, each a
segment that attends to nothing outside itself (arXiv:2107.02027). An epoch uses every example
once, in its own order; the batch of a step is a pure function of the seed and the step.

Why not Grain's FirstFitPackIterDataset or BestFitPackIterDataset (0.2.18): they pack a stream, so
the batch of a step is known only after all before it, and they fill rows less. Measured on 8,000
log-normal lengths (a mean of 1,000 and of 1,500 tokens, rows of 2,048 and of 4,096), ours fills
92.2 to 99.2 % of the rows' tokens, Grain's best fit with 256 bins 89.8 to 98.3 %, with 16 bins
82.8 to 95.8 %: it cannot sort what it has not read. Both number segments from 1, and Grain's state
can be saved and restored too.
"""

import functools
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from data.errors import UserError
from pipeline.batches.budgets import rounded
from pipeline.model import Tokens

Item = TypeVar("Item")
Row = list[int]  # indices of the examples that share a row, in their order

WINDOW = 512  # examples of the shuffled stream that are packed together
POOL = 16  # batches of the shuffled stream that are sorted by length together
WIDTHS = 6  # most widths of bucketed batches; each is compiled once


def first_fit_decreasing(lengths: Sequence[int], indices: Sequence[int], width: int) -> list[Row]:
    """Examples in rows of `width` tokens: the longest first, each into the first row it fits.

    lengths: [examples]  tokens of all examples
    indices: which examples to pack
    """
    rows: list[Row] = []
    free: list[int] = []  # tokens of each row
    for index in sorted(indices, key=lambda index: -lengths[index]):
        length = lengths[index]
        for number, tokens in enumerate(free):
            if length <= tokens:
                rows[number].append(index)
                free[number] -= length
                break
        else:
            if length > width:
                raise UserError(
                    f"an example has {length} tokens, a row {width}; raise max_tokens, or leave"
                    " such examples out before"
                )
            rows.append([index])
            free.append(width - length)
    return rows


def packed_epoch(lengths: Sequence[int], width: int, seed: int, epoch: int) -> list[Row]:
    """All examples in rows of `width` tokens, in the order in which the epoch uses them.

    Examples share a row with others in each epoch, since only a window of the shuffled stream is
    packed at a time. The rows are shuffled, since packing puts long examples first.
    """
    rng = np.random.default_rng((seed, epoch))
    order = rng.permutation(len(lengths)).tolist()
    rows = []
    for start in range(0, len(order), WINDOW):
        rows += first_fit_decreasing(lengths, order[start : start + WINDOW], width)
    return [rows[number] for number in rng.permutation(len(rows))]


def bucketed_epoch(lengths: Sequence[int], batch: int, seed: int, epoch: int) -> list[list[Row]]:
    """All examples in batches of similar length, one a row; a pool's last batch may be short."""
    rng = np.random.default_rng((seed, epoch))
    order = rng.permutation(len(lengths)).tolist()
    batches = []
    for start in range(0, len(order), POOL * batch):
        pool = sorted(order[start : start + POOL * batch], key=lambda index: lengths[index])
        rows = [[index] for index in pool]
        batches += [rows[first : first + batch] for first in range(0, len(rows), batch)]
    return [batches[number] for number in rng.permutation(len(batches))]


def endless(epoch: Callable[[int], Sequence[Item]]) -> Callable[[int], Item]:
    """Item `number` of the concatenation of epoch 0, epoch 1, and so on.

    Each epoch is planned once.
    """
    plan = functools.cache(epoch)

    def item(number: int) -> Item:
        current = 0
        while number >= len(plan(current)):
            number -= len(plan(current))
            current += 1
        return plan(current)[number]

    return item


def packed_steps(
    lengths: Sequence[int], batch: int, width: int, seed: int
) -> Callable[[int], list[Row]]:
    """The rows of each step. A step at the end of an epoch takes rows of the next one too."""
    row = endless(lambda epoch: packed_epoch(lengths, width, seed, epoch))
    return lambda step: [row(step * batch + number) for number in range(batch)]


def bucketed_steps(lengths: Sequence[int], batch: int, seed: int) -> Callable[[int], list[Row]]:
    """The rows of each step; the last of a pool has fewer if its examples do not divide evenly."""
    return endless(lambda epoch: bucketed_epoch(lengths, batch, seed, epoch))


def widths(longest: int) -> list[int]:
    """Widths that a bucketed batch may have, each about 1.4 times the one before [tokens]."""
    return sorted({rounded(int(longest * 2 ** (-power / 2))) for power in range(WIDTHS)})


def width_of(tokens: int, allowed: Sequence[int]) -> int:
    """The smallest of the widths `allowed` that holds `tokens`."""
    return min(width for width in allowed if width >= tokens)


def batch_of(
    rows: Sequence[Sequence[Tokens]], *, batch: int, length: int, pad: int
) -> dict[str, np.ndarray]:
    """`batch` rows of `length` tokens: the examples of each one after the other, then padding.

    ids:        [batch, length]  int32
    completion: [batch, length]  bool
    segments:   [batch, length]  int32, examples of a row numbered from 1, 0 at padding
    """
    ids = np.full((batch, length), pad, dtype=np.int32)
    completion = np.zeros((batch, length), dtype=bool)
    segments = np.zeros((batch, length), dtype=np.int32)
    for number, row in enumerate(rows):
        end = 0
        for segment, example in enumerate(row, 1):
            begin, end = end, end + len(example.ids)
            ids[number, begin:end] = example.ids
            completion[number, begin:end] = example.completion
            segments[number, begin:end] = segment
    return {"ids": ids, "completion": completion, "segments": segments}
