"""Training attention by FlashAttention kernels, for one H100 or H200. The same as `blocks.attend`.

Why Triton kernels of our own: docs/decisions/0031-flash-attention.md.
"""

import functools

import jax
import jax.numpy as jnp

from pipeline.attention import flash_kernels
from pipeline.attention.flash_kernels import Reach
from pipeline.attention.segments import query_segments


def attend_flash(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    segments: jax.Array,
    window: int | None = None,
    *,
    interpret: bool = False,
) -> jax.Array:
    """Attention of each token over the tokens of its segment, up to and including itself.

    Arguments and result as of `blocks.attend`; where a token attends to none, the result is zero.

    interpret: run the kernels by XLA's own operations, which works on a CPU too
    """
    time = segments.shape[1]
    missing = -time % flash_kernels.BLOCK

    def padded(array: jax.Array) -> jax.Array:
        return jnp.pad(array, ((0, 0), (0, missing)) + ((0, 0),) * (array.ndim - 2))

    reach = reach_of(padded(segments.astype(jnp.int32)), window)
    mixed: jax.Array = _flash(padded(query), padded(key), padded(value), reach, interpret)
    return mixed[:, :time]


def reach_of(segments: jax.Array, window: int | None) -> Reach:
    """segments: [batch, time]"""
    batch, time = segments.shape
    column = jnp.broadcast_to(jnp.arange(time, dtype=jnp.int32), (batch, time))
    of_queries = query_segments(segments)
    begins = jnp.diff(of_queries, axis=1, prepend=-1) > 0
    first = jax.lax.cummax(jnp.where(begins, column, 0), axis=1)
    if window is not None:
        first = jnp.maximum(first, column - window + 1)
    # `first` never falls along a row, so the queries that a key is not too early for come first
    last = jax.vmap(lambda row, keys: jnp.searchsorted(row, keys, side="right"))(first, column) - 1
    return Reach(first, last.astype(jnp.int32), (segments != 0).astype(jnp.int32))


@functools.partial(jax.custom_vjp, nondiff_argnums=(4,))
def _flash(query, key, value, reach: Reach, interpret: bool) -> jax.Array:
    return _forward(query, key, value, reach, interpret)[0]


def _forward(query, key, value, reach: Reach, interpret: bool):
    mixed, sums = flash_kernels.forward(query, key, value, reach, interpret=interpret)
    return mixed, (query, key, value, reach, mixed, sums)


def _backward(interpret: bool, residuals, d_mixed):
    query, key, value, reach, mixed, sums = residuals
    along = jnp.einsum("btkgh,btkgh->bkgt", d_mixed, mixed, preferred_element_type=jnp.float32)
    gradients = flash_kernels.gradients(
        query, key, value, reach, sums, d_mixed, along, interpret=interpret
    )
    return *gradients, None


_flash.defvjp(_forward, _backward)
