"""Keys and values of the texts that are being written: one slot each, a ring for local layers.

A token at position p is kept in column p modulo the layer's length. A local layer of Gemma 3
looks back only a window, so its ring has the window's length; a global layer keeps everything.
Where a text stands decides its columns, never who is beside it: sums run in the same order.
"""

import jax
import jax.numpy as jnp
from tunix.models.gemma3 import model as gemma3

LayerCache = dict[str, jax.Array]  # k and v: [slots, kv_heads, length, head_dim]
Cache = dict[str, LayerCache]


def lengths(model: gemma3.Gemma3, tokens: int) -> list[int]:
    """Columns of each layer, for texts of up to `tokens`, prompt included."""
    return [
        min(layer.attn.sliding_window_size or tokens, tokens)
        if layer.attn.attn_type == gemma3.AttentionType.LOCAL_SLIDING
        else tokens
        for layer in model.layers
    ]


def empty(model: gemma3.Gemma3, slots: int, tokens: int, dtype: jnp.dtype) -> Cache:
    config = model.config
    return {
        f"layer_{layer}": {
            name: jnp.zeros((slots, config.num_kv_heads, length, config.head_dim), dtype)
            for name in ("k", "v")
        }
        for layer, length in enumerate(lengths(model, tokens))
    }


def placed(
    cache: Cache, fresh: Cache, prompts: jax.Array, sources: jax.Array, targets: jax.Array
) -> Cache:
    """`cache` with prompts in some of its slots; one prompt may go into several.

    fresh:   of prompts just read: [rows, kv_heads, time, head_dim], padded on the right
    prompts: [rows]     int, their lengths
    sources: [inserts]  int, rows of `fresh`
    targets: [inserts]  int, their slots; one that does not exist takes nothing
    """

    def into(kept: jax.Array, new: jax.Array) -> jax.Array:
        new = _as_ring(new, prompts, kept.shape[2])
        return kept.at[targets, :, : new.shape[2]].set(new[sources], mode="drop")

    return jax.tree.map(into, cache, fresh)


def _as_ring(fresh: jax.Array, prompts: jax.Array, length: int) -> jax.Array:
    """The last `length` positions of each prompt, each in the column of its position."""
    if fresh.shape[2] <= length:
        return fresh
    last = prompts[:, None] - 1
    # a negative position is one that the text does not have yet: it is written before it is seen
    position = last - (last - jnp.arange(length)[None]) % length
    return jnp.take_along_axis(fresh, jnp.maximum(position, 0)[:, None, :, None], axis=2)
