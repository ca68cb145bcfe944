"""Rollouts as arrays: what is padding goes by the lengths of the rows, not by their tokens."""

import jax.numpy as jnp
import numpy as np

from pipeline.batches import padded_right, within
from pipeline.loss.variants import ended

PAD, STOP = 0, 9


def test_a_padding_token_that_was_sampled_inside_a_completion_is_part_of_it():
    rows = [[5, PAD, 7, STOP], [PAD, PAD], [], [5, 6, 7, 8, STOP]]
    assert within(rows, 5).tolist() == [
        [True, True, True, True, False],
        [True, True, False, False, False],
        [False] * 5,
        [True] * 5,
    ]


def test_a_completion_with_a_sampled_padding_token_has_ended_where_its_last_token_is_a_stop():
    rows = [[5, PAD, 7, STOP], [5, PAD, STOP, 7], [PAD, STOP], [STOP, PAD]]
    ids, mask = padded_right(rows, 6, PAD), within(rows, 6)
    assert np.asarray(ended(jnp.array(ids), jnp.array(mask), (STOP,))).tolist() == [
        True, False, True, False,
    ]  # fmt: skip
