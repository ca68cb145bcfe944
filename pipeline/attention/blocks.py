"""softmax(query · key) · value in blocks, so that the scores of a whole row never exist at once.

A local layer computes blocks of one window of queries against two windows of keys. A global layer
takes a few queries at a time. Both are recomputed in the backward pass.
"""

import jax
import jax.numpy as jnp
from tunix.models.gemma3 import model as gemma3

from pipeline.attention.segments import query_segments, visible
from pipeline.config import SCORES_BYTES


def attend(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    segments: jax.Array,
    window: int | None = None,
    *,
    scores_bytes: int = 0,
) -> jax.Array:
    """Attention of each token over the tokens of its segment, up to and including itself.

    With a window a token attends to `window` tokens, itself included. Where there is no such
    token the result has no meaning.

    query:        [batch, time, kv_heads, group, head_dim]  scaled; `group` heads share a key
    key, value:   [batch, time, kv_heads, head_dim]
    segments:     [batch, time]
    scores_bytes: bytes of scores at one time; 0: SCORES_BYTES
    returns:      [batch, time, kv_heads, group, head_dim]
    """
    batch, time, kv_heads, group, _ = query.shape
    # scores of one head
    at_once = (scores_bytes or SCORES_BYTES) // (4 * batch * kv_heads * group)
    if window is not None and window < time:
        return _local(query, key, value, segments, window, at_once)
    return _global(query, key, value, segments, at_once)


def _local(query, key, value, segments, window: int, at_once: int) -> jax.Array:
    """Blocks of `window` queries: all their keys are in their own block and the one before."""
    distance = window + jnp.arange(window)[:, None] - jnp.arange(2 * window)[None]
    in_reach = (distance >= 0) & (distance < window)

    def with_previous(blocks: jax.Array) -> jax.Array:
        """[blocks, batch, window, ...] -> [blocks, batch, 2 * window, ...]"""
        before = jnp.concatenate([jnp.zeros_like(blocks[:1]), blocks[:-1]])
        return jnp.concatenate([before, blocks], axis=2)

    @jax.checkpoint
    def block(part) -> jax.Array:
        queries, keys, values, of_queries, of_keys = part
        return _weighted(queries, keys, values, visible(of_queries, of_keys, in_reach))

    queries, of_queries = _split(query, window), _split(query_segments(segments), window)
    keys, values, of_keys = (with_previous(_split(a, window)) for a in (key, value, segments))
    parts = (queries, keys, values, of_queries, of_keys)
    blocks_at_once = max(1, at_once // (2 * window**2))
    return _joined(jax.lax.map(block, parts, batch_size=blocks_at_once), query)


def _global(query, key, value, segments, at_once: int) -> jax.Array:
    """A few queries at a time, against all keys."""
    time = segments.shape[1]
    width = max(1, min(time, at_once // time))
    columns = jnp.arange(time)

    @jax.checkpoint
    def piece(part) -> jax.Array:
        queries, of_queries, start = part
        in_reach = (start + jnp.arange(width))[:, None] >= columns[None]
        return _weighted(queries, key, value, visible(of_queries, segments, in_reach))

    queries, of_queries = _split(query, width), _split(query_segments(segments), width)
    starts = width * jnp.arange(len(queries))
    return _joined(jax.lax.map(piece, (queries, of_queries, starts)), query)


def _weighted(query: jax.Array, key: jax.Array, value: jax.Array, mask: jax.Array) -> jax.Array:
    """Attention of some queries over some keys; where `mask` is false a key has no weight.

    query: [batch, queries, kv_heads, group, head_dim]   mask: [batch, queries, keys]
    key, value: [batch, keys, kv_heads, head_dim]
    """
    scores = jnp.einsum("bqkgh,bskh->bkgqs", query, key, preferred_element_type=jnp.float32)
    scores = jnp.where(mask[:, None, None], scores, gemma3.K_MASK)
    weights = jax.nn.softmax(scores, axis=-1).astype(value.dtype)
    return jnp.einsum("bkgqs,bskh->bqkgh", weights, value)


def _split(array: jax.Array, width: int) -> jax.Array:
    """[batch, time, ...] -> [pieces, batch, width, ...], the last piece filled with zeros."""
    batch, time = array.shape[:2]
    pieces = -(-time // width)
    array = jnp.pad(array, ((0, 0), (0, pieces * width - time)) + ((0, 0),) * (array.ndim - 2))
    return jnp.moveaxis(array.reshape(batch, pieces, width, *array.shape[2:]), 1, 0)


def _joined(pieces: jax.Array, like: jax.Array) -> jax.Array:
    """[pieces, batch, width, ...] -> the shape of `like`, [batch, time, ...]."""
    batch, time = like.shape[:2]
    return jnp.moveaxis(pieces, 0, 1).reshape(batch, -1, *like.shape[2:])[:, :time]
