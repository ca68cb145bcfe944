"""Batches of examples as a function of the step: one example a row, or like lengths, or several.

`padded` fills every row up to the longest example of all. `bucketed` puts examples of like length
together, so that a batch is as wide as they are. `packed` lays several examples into one row,
each a segment that attends to nothing outside itself (arXiv:2107.02027). An epoch uses every
example once, in an order of its own; which batch a step gets follows from the seed and the step.
"""

import functools
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from data.errors import UserError
from pipeline.config import ROW_MULTIPLE
from pipeline.model import Tokens

Item = TypeVar("Item")
Row = list[int]  # places of examples that share a row, in their order

WINDOW = 512  # examples of the shuffled stream that are packed together
POOL = 16  # batches of the shuffled stream that are sorted by length together
WIDTHS = 6  # so many widths a bucketed batch may have; each is compiled once


def rounded(tokens: int) -> int:
    """The smallest multiple of ROW_MULTIPLE that holds so many tokens."""
    return -(-tokens // ROW_MULTIPLE) * ROW_MULTIPLE


def first_fit_decreasing(lengths: Sequence[int], places: Sequence[int], room: int) -> list[Row]:
    """`places` in rows of `room` tokens: the longest first, each into the first row it fits."""
    rows: list[Row] = []
    left: list[int] = []
    for place in sorted(places, key=lambda place: -lengths[place]):
        length = lengths[place]
        for number, free in enumerate(left):
            if length <= free:
                rows[number].append(place)
                left[number] -= length
                break
        else:
            if length > room:
                raise UserError(
                    f"an example has {length} tokens, a row {room}; raise max_tokens, or leave"
                    " such examples out before"
                )
            rows.append([place])
            left.append(room - length)
    return rows


def packed_epoch(lengths: Sequence[int], room: int, seed: int, epoch: int) -> list[Row]:
    """All examples in rows of `room` tokens, in the order in which the epoch uses them.

    Partners change from epoch to epoch, for only a window of the shuffled stream is packed at
    a time; the rows are shuffled, for packing has put those of long examples first.
    """
    rng = np.random.default_rng((seed, epoch))
    order = rng.permutation(len(lengths)).tolist()
    rows = []
    for start in range(0, len(order), WINDOW):
        rows += first_fit_decreasing(lengths, order[start : start + WINDOW], room)
    return [rows[number] for number in rng.permutation(len(rows))]


def bucketed_epoch(lengths: Sequence[int], batch: int, seed: int, epoch: int) -> list[list[Row]]:
    """All examples in batches of like length, one a row; each pool's last batch may be short."""
    rng = np.random.default_rng((seed, epoch))
    order = rng.permutation(len(lengths)).tolist()
    batches = []
    for start in range(0, len(order), POOL * batch):
        pool = sorted(order[start : start + POOL * batch], key=lambda place: lengths[place])
        rows = [[place] for place in pool]
        batches += [rows[first : first + batch] for first in range(0, len(rows), batch)]
    return [batches[number] for number in rng.permutation(len(batches))]


def endless(epoch: Callable[[int], Sequence[Item]]) -> Callable[[int], Item]:
    """Item number n of epoch 0, then epoch 1, and so on; an epoch is planned once."""
    plan = functools.cache(epoch)

    def item(number: int) -> Item:
        at = 0
        while number >= len(plan(at)):
            number -= len(plan(at))
            at += 1
        return plan(at)[number]

    return item


def packed_steps(
    lengths: Sequence[int], batch: int, room: int, seed: int
) -> Callable[[int], list[Row]]:
    """The rows of each step. A step at the end of an epoch goes on with the next one's rows."""
    row = endless(lambda epoch: packed_epoch(lengths, room, seed, epoch))
    return lambda step: [row(step * batch + place) for place in range(batch)]


def bucketed_steps(lengths: Sequence[int], batch: int, seed: int) -> Callable[[int], list[Row]]:
    """The rows of each step; fewer than `batch` once an epoch, where examples do not divide."""
    return endless(lambda epoch: bucketed_epoch(lengths, batch, seed, epoch))


def widths(longest: int) -> list[int]:
    """Widths that a bucketed batch may have, each about 1.4 times the one before [tokens]."""
    return sorted({rounded(int(longest * 2 ** (-power / 2))) for power in range(WIDTHS)})


def width_of(tokens: int, of: Sequence[int]) -> int:
    """The smallest of the widths `of` that holds so many tokens."""
    return min(width for width in of if width >= tokens)


def laid_out(
    rows: Sequence[Sequence[Tokens]], *, batch: int, length: int, pad: int
) -> dict[str, np.ndarray]:
    """`batch` rows of `length` tokens: the examples of each, side by side, then padding.

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
