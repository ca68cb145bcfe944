"""Gemma 3's attention as the engine needs it: over fresh prompts, and over a cache of slots.

Both stand in for Tunix's attention inside of its own model, so that everything else is Tunix's and
every product with a weight is its module's own: Qwix finds it there and adds the adapter.
"""

import jax
import jax.numpy as jnp
from flax import nnx
from tunix.models.gemma3 import model as gemma3
from tunix.utils.sharding_utils import shard

from pipeline.generate import LayerCache


class EngineAttention(gemma3.Attention):
    """What both have in common: the projections, and softmax(query · key) · value."""

    def _projected(
        self, x: jax.Array, positions: jax.Array
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        """query: [rows, kv_heads, group, time, head_dim], scaled; `group` heads share a key.

        key, value: [rows, kv_heads, time, head_dim]
        """
        if self.use_qkv_einsum:
            query, key, value = self.qkv_einsum(x)
        else:
            query, (key, value) = self.q_einsum(x), self.kv_einsum(x)
        query, key, value = (shard(a, self.shd_config.act_btnh) for a in (query, key, value))  # type: ignore[arg-type]
        query = self._rotated(self._query_norm(query), positions) * self.query_pre_attn_scalar
        key = self._rotated(self._key_norm(key), positions)
        rows, time, heads, features = query.shape
        groups = (rows, time, key.shape[2], heads // key.shape[2], features)
        query = query.reshape(groups).transpose(0, 2, 3, 1, 4)
        return query, key.swapaxes(1, 2), value.swapaxes(1, 2)

    def _rotated(self, array: jax.Array, positions: jax.Array) -> jax.Array:
        return gemma3.apply_rope(
            array,
            positions,
            head_dim=self.head_dim,
            base_frequency=self.rope_base_frequency,
            scale_factor=self.rope_scale_factor,
        )

    def _attended(
        self, query: jax.Array, key: jax.Array, value: jax.Array, seen: jax.Array
    ) -> jax.Array:
        """[rows, time, features]. seen: bool, may be broadcast to [rows, time, columns]."""
        scores = jnp.einsum("bkgth,bksh->bkgts", query, key)
        scores = jnp.where(seen[:, None, None], scores, gemma3.K_MASK)
        shares = jax.nn.softmax(scores.astype(jnp.float32), axis=-1).astype(value.dtype)
        found = jnp.einsum("bkgts,bksh->bkgth", shares, value)
        rows, kv_heads, group, time, features = found.shape
        found = found.transpose(0, 3, 1, 2, 4).reshape(rows, time, kv_heads * group, features)
        return shard(self.attn_vec_einsum(found), self.shd_config.act_btd)  # type: ignore[arg-type]

    @property
    def window(self) -> int | None:
        local = self.attn_type == gemma3.AttentionType.LOCAL_SLIDING
        return self.sliding_window_size if local else None


class PromptAttention(EngineAttention):
    """Over prompts that start at position 0 and are padded on the right; gives their cache."""

    def block(self, x, segment_pos, cache, attn_mask) -> tuple[LayerCache, jax.Array]:
        query, key, value = self._projected(x, segment_pos)
        place = jnp.arange(x.shape[1])
        distance = place[:, None] - place[None]
        seen = distance >= 0
        if self.window is not None:
            seen &= distance < self.window
        return {"k": key, "v": value}, self._attended(query, key, value, seen[None])


class SlotAttention(EngineAttention):
    """Of one new token a slot, over what the slot's cache holds."""

    def block(self, x, segment_pos, cache, attn_mask) -> tuple[LayerCache, jax.Array]:
        assert cache is not None
        query, key, value = self._projected(x, segment_pos)
        position = segment_pos[:, 0]
        length, rows = cache["k"].shape[2], jnp.arange(x.shape[0])
        column = position % length
        key = cache["k"].at[rows, :, column].set(key[:, :, 0])
        value = cache["v"].at[rows, :, column].set(value[:, :, 0])
        # a ring that went round holds the window and nothing else
        seen = jnp.arange(length)[None] <= position[:, None]
        return {"k": key, "v": value}, self._attended(query, key, value, seen[:, None])


def with_attention(model: nnx.Module, attention: type[EngineAttention]) -> gemma3.Gemma3:
    """`model`, which is the caller's own copy, with another attention over its parameters."""
    for layer in model.layers:  # type: ignore[attr-defined]
        layer.attn.__class__ = attention
    return model  # type: ignore[return-value]
