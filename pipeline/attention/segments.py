"""Positions and masks of rows that hold several examples, each read as if it stood alone.

segments: [batch, time]  int or bool; the examples of a row are numbered from 1, padding is 0
"""

import jax
import jax.numpy as jnp


def positions_of(segments: jax.Array) -> jax.Array:
    """How many tokens of its own segment precede each token: [batch, time].

    Padding inside a segment is not counted.
    """
    present = jnp.cumsum(segments != 0, axis=1)
    begins = jnp.diff(query_segments(segments), axis=1, prepend=0) > 0
    before = jax.lax.cummax(jnp.where(begins, present - 1, 0), axis=1)
    return jnp.maximum(present - 1 - before, 0)


def mask_of(segments: jax.Array) -> jax.Array:
    """Whether a token attends to another: [batch, time, time]; to itself and to those before it."""
    time = segments.shape[1]
    causal = jnp.tril(jnp.ones((time, time), dtype=bool))
    return visible(query_segments(segments), segments, causal)


def query_segments(segments: jax.Array) -> jax.Array:
    """The segment each token attends to: [batch, time]. Padding attends to the one before it.

    So does Tunix: a model may sample the padding token in the middle of a text, and the tokens
    after it are scored.
    """
    return jax.lax.cummax(segments.astype(jnp.int32), axis=1)


def visible(queries: jax.Array, keys: jax.Array, in_reach: jax.Array) -> jax.Array:
    """Whether each query attends to each key: [batch, queries, keys].

    queries:  [batch, queries]  segments, as `query_segments` gives them
    keys:     [batch, keys]     segments
    in_reach: [queries, keys]   bool, true where the distance allows it
    """
    same = queries[:, :, None] == keys[:, None, :]
    return same & (keys != 0)[:, None, :] & in_reach[None]
