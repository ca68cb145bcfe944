"""Attention for training that never holds all scores of a row, and knows examples that share one.

Tunix's Gemma 3 computes scores of every token with every other in all layers, though five of six
look back only a window (512 tokens in Gemma 3 1B). Here a local layer computes blocks of one
window of queries against two of keys, and a global layer takes its queries a few at a time.

Why it is done inside of Tunix's class is in docs/decisions/0007-attention-in-blocks.md.
"""

import jax
import jax.numpy as jnp
from flax import nnx
from tunix.models.gemma3 import model as gemma3
from tunix.utils.sharding_utils import shard

from pipeline.config import SCORES_BYTES


class BlockAttention(gemma3.Attention):
    """Tunix's attention, with the same parameters, that takes segments in place of a mask.

    segments: [batch, time]  int or bool: examples of a row are numbered from 1, padding is 0.
    With a mask [batch, time, keys] (so when sampling) it does what Tunix's does.
    """

    def block(
        self,
        x: jax.Array,
        segment_pos: jax.Array,
        cache: gemma3.LayerCache | None,
        attn_mask: jax.Array,
    ) -> tuple[gemma3.LayerCache | None, jax.Array]:
        if attn_mask.ndim == 3:
            return super().block(x, segment_pos, cache, attn_mask)
        if cache is not None:
            raise ValueError("segments are for training; with a cache, give a mask of three axes")
        query, key, value = self._projected(x, segment_pos)
        batch, time, heads, features = query.shape
        groups = (batch, time, key.shape[2], heads // key.shape[2], features)
        local = self.attn_type == gemma3.AttentionType.LOCAL_SLIDING
        window = self.sliding_window_size if local else None
        found = attend(query.reshape(groups), key, value, attn_mask, window)
        out = self.attn_vec_einsum(found.reshape(query.shape))
        return None, shard(out, self.shd_config.act_btd)  # type: ignore[arg-type]

    def _projected(
        self, x: jax.Array, positions: jax.Array
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Query, scaled, with key and value: [batch, time, heads, head_dim], rotated, normalised.

        Each product with a weight is a module's own, so that Qwix finds it and adds the adapter.
        """
        if self.use_qkv_einsum:
            query, key, value = self.qkv_einsum(x)
        else:
            query, (key, value) = self.q_einsum(x), self.kv_einsum(x)
        query, key, value = (shard(a, self.shd_config.act_btnh) for a in (query, key, value))  # type: ignore[arg-type]

        def rotated(array: jax.Array) -> jax.Array:
            return gemma3.apply_rope(
                array,
                positions,
                head_dim=self.head_dim,
                base_frequency=self.rope_base_frequency,
                scale_factor=self.rope_scale_factor,
            )

        query = rotated(self._query_norm(query)) * self.query_pre_attn_scalar
        return query, rotated(self._key_norm(key)), value


def in_blocks(model: gemma3.Gemma3) -> gemma3.Gemma3:
    """`model` itself, its attention now a BlockAttention. Its parameters stay where they are."""
    for layer in model.layers:
        layer.attn.__class__ = BlockAttention
    return model


def positions_and_mask(model: nnx.Module, segments: jax.Array) -> tuple[jax.Array, jax.Array]:
    """What `model` is called with, so that each segment is read as if it stood alone.

    segments: [batch, time]  int or bool, 0 at padding
    returns:  positions [batch, time]; segments themselves for a BlockAttention, else a mask
              [batch, time, time]
    """
    attention = model.layers[0].attn  # type: ignore[attr-defined]
    reads_segments = isinstance(attention, BlockAttention)
    return positions_of(segments), segments if reads_segments else mask_of(segments)


def positions_of(segments: jax.Array) -> jax.Array:
    """How many tokens of its segment precede each: [batch, time]. A hole of padding counts none."""
    present = jnp.cumsum(segments != 0, axis=1)
    begins = jnp.diff(_of_queries(segments), axis=1, prepend=0) > 0
    before = jax.lax.cummax(jnp.where(begins, present - 1, 0), axis=1)
    return jnp.maximum(present - 1 - before, 0)


def mask_of(segments: jax.Array) -> jax.Array:
    """Whether a token sees another: [batch, time, time], true for itself and those before it."""
    time = segments.shape[1]
    return _seen(_of_queries(segments), segments, jnp.tril(jnp.ones((time, time), dtype=bool)))


def _of_queries(segments: jax.Array) -> jax.Array:
    """The segment that each token looks at: padding looks at the one before it, as Tunix has it.

    A model may sample the padding token in the middle of a text, and what follows is scored.
    """
    return jax.lax.cummax(segments.astype(jnp.int32), axis=1)


def _seen(of_queries: jax.Array, of_keys: jax.Array, near: jax.Array) -> jax.Array:
    """Where `near` [queries, keys] is true within one segment: [batch, queries, keys]."""
    same = of_queries[:, :, None] == of_keys[:, None, :]
    return same & (of_keys != 0)[:, None, :] & near[None]


def attend(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    segments: jax.Array,
    window: int | None = None,
    *,
    room: int = 0,
) -> jax.Array:
    """softmax(query · key) · value, of each token over those of its segment up to itself.

    With a window a token sees `window` tokens, itself included. Where it sees none, what it gets
    means nothing.

    query:      [batch, time, kv_heads, group, head_dim]  scaled; `group` heads share a key
    key, value: [batch, time, kv_heads, head_dim]
    segments:   [batch, time]
    room:       bytes of scores at one time; 0: SCORES_BYTES
    returns:    [batch, time, kv_heads, group, head_dim]
    """
    batch, time, kv_heads, group, _ = query.shape
    at_once = (room or SCORES_BYTES) // (4 * batch * kv_heads * group)  # scores of one head
    if window is not None and window < time:
        return _local(query, key, value, segments, window, at_once)
    return _global(query, key, value, segments, at_once)


def _local(query, key, value, segments, window: int, at_once: int) -> jax.Array:
    """Blocks of `window` queries: all they may see is in their own block and the one before."""
    distance = window + jnp.arange(window)[:, None] - jnp.arange(2 * window)[None]
    near = (distance >= 0) & (distance < window)

    def with_previous(blocks: jax.Array) -> jax.Array:
        """[blocks, batch, window, ...] -> [blocks, batch, 2 * window, ...]"""
        before = jnp.concatenate([jnp.zeros_like(blocks[:1]), blocks[:-1]])
        return jnp.concatenate([before, blocks], axis=2)

    @jax.checkpoint
    def block(part) -> jax.Array:
        queries, keys, values, of_queries, of_keys = part
        return _weighted(queries, keys, values, _seen(of_queries, of_keys, near))

    queries, of_queries = _split(query, window), _split(_of_queries(segments), window)
    keys, values, of_keys = (with_previous(_split(a, window)) for a in (key, value, segments))
    parts = (queries, keys, values, of_queries, of_keys)
    blocks_at_once = max(1, at_once // (2 * window**2))
    return _joined(jax.lax.map(block, parts, batch_size=blocks_at_once), query)


def _global(query, key, value, segments, at_once: int) -> jax.Array:
    """A few queries at a time, against all keys."""
    time = segments.shape[1]
    width = max(1, min(time, at_once // time))
    places = jnp.arange(time)

    @jax.checkpoint
    def piece(part) -> jax.Array:
        queries, of_queries, start = part
        near = (start + jnp.arange(width))[:, None] >= places[None]
        return _weighted(queries, key, value, _seen(of_queries, segments, near))

    queries, of_queries = _split(query, width), _split(_of_queries(segments), width)
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
