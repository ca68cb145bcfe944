"""Keys and values of the texts being written: one slot per text, a ring buffer in local layers.

The token at position p lies in column p modulo the layer's length. A local layer of Gemma 3
attends to a window only, so its buffer is as long as the window; a global layer keeps every
position. The columns of a text depend on its own positions and not on the other texts of the
batch, so sums run in the same order whatever the batch.
"""

import jax
import jax.numpy as jnp
from tunix.models.gemma3 import model as gemma3

from pipeline.attention import LayerCache

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
    """The cache of `slots` free slots, for texts of up to `tokens`, prompt included."""
    config = model.config
    return {
        f"layer_{layer}": {
            name: jnp.zeros((slots, config.num_kv_heads, length, config.head_dim), dtype)
            for name in ("k", "v")
        }
        for layer, length in enumerate(lengths(model, tokens))
    }


def with_prompts(
    cache: Cache, prompts: Cache, prompt_lengths: jax.Array, sources: jax.Array, targets: jax.Array
) -> Cache:
    """`cache` with prompts in some of its slots; one prompt may go into several.

    prompts:        [rows, kv_heads, time, head_dim], of prompts padded on the right
    prompt_lengths: [rows]     int
    sources:        [inserts]  int, rows of `prompts`
    targets:        [inserts]  int, their slots; one out of range is skipped
    """

    def into(slots: jax.Array, rows: jax.Array) -> jax.Array:
        rows = _as_ring(rows, prompt_lengths, slots.shape[2])
        return slots.at[targets, :, : rows.shape[2]].set(rows[sources], mode="drop")

    return jax.tree.map(into, cache, prompts)


def _as_ring(rows: jax.Array, prompt_lengths: jax.Array, length: int) -> jax.Array:
    """The last `length` positions of each prompt, each in the column of its position."""
    if rows.shape[2] <= length:
        return rows
    last = prompt_lengths[:, None] - 1
    # a negative position is beyond the prompt: that column is written before it is attended to
    position = last - (last - jnp.arange(length)[None]) % length
    return jnp.take_along_axis(rows, jnp.maximum(position, 0)[:, None, :, None], axis=2)
