"""Gemma 3's attention for training, for fresh prompts and for a cache of slots.

They share one projection to queries, keys and values. They subclass Tunix's attention and
replace it inside Tunix's own model, which stays unchanged otherwise. Each product with a weight is
still the module's own, so Qwix finds it and adds the adapter.

Why Tunix's dense attention is replaced: docs/decisions/0007-attention-in-blocks.md.
"""

from typing import TypeVar

import jax
import jax.numpy as jnp
from flax import nnx
from tunix.models.gemma3 import model as gemma3
from tunix.utils.sharding_utils import shard

from pipeline.attention import kernels
from pipeline.attention.blocks import attend
from pipeline.attention.flash import attend_flash
from pipeline.attention.segments import mask_of, positions_of
from pipeline.attention.slot_kernel import attend_slots

LayerCache = dict[str, jax.Array]  # k and v: [slots, kv_heads, length, head_dim]
Model = TypeVar("Model", bound=nnx.Module)


class ProjectedAttention(gemma3.Attention):
    """Tunix's attention with the projection as a separate method; the parameters are the same."""

    def project(self, x: jax.Array, positions: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Queries, keys and values of `x`; queries and keys are normalised, rotated and scaled.

        x:          [batch, time, features]   positions: [batch, time]
        query:      [batch, time, kv_heads, group, head_dim]  `group` heads share a key
        key, value: [batch, time, kv_heads, head_dim]
        """
        if self.use_qkv_einsum:
            query, key, value = self.qkv_einsum(x)
        else:
            query, (key, value) = self.q_einsum(x), self.kv_einsum(x)
        query, key, value = (shard(a, self.shd_config.act_btnh) for a in (query, key, value))  # type: ignore[arg-type]
        query = self._rotated(self._query_norm(query), positions) * self.query_pre_attn_scalar
        key = self._rotated(self._key_norm(key), positions)
        batch, time, heads, head_dim = query.shape
        kv_heads = key.shape[2]
        return query.reshape(batch, time, kv_heads, heads // kv_heads, head_dim), key, value

    def _rotated(self, array: jax.Array, positions: jax.Array) -> jax.Array:
        return gemma3.apply_rope(
            array,
            positions,
            head_dim=self.head_dim,
            base_frequency=self.rope_base_frequency,
            scale_factor=self.rope_scale_factor,
        )

    def output(self, mixed: jax.Array) -> jax.Array:
        """[batch, time, kv_heads, group, head_dim] -> [batch, time, features]"""
        batch, time, kv_heads, group, head_dim = mixed.shape
        heads = mixed.reshape(batch, time, kv_heads * group, head_dim)
        return shard(self.attn_vec_einsum(heads), self.shd_config.act_btd)  # type: ignore[arg-type]

    @property
    def window(self) -> int | None:
        """Tokens that a local layer attends to; None in a global layer."""
        local = self.attn_type == gemma3.AttentionType.LOCAL_SLIDING
        return self.sliding_window_size if local else None


class BlockAttention(ProjectedAttention):
    """For training: takes segments in place of a mask and never holds all scores of a row.

    With a mask [batch, time, keys], as when Tunix samples, it computes what Tunix's does.
    """

    def block(
        self,
        x: jax.Array,
        segment_pos: jax.Array,
        cache: gemma3.LayerCache | None,
        attn_mask: jax.Array,
    ) -> tuple[gemma3.LayerCache | None, jax.Array]:
        """attn_mask: [batch, time] segments, see `segments.py`; or a mask of three axes."""
        if attn_mask.ndim == 3:
            return super().block(x, segment_pos, cache, attn_mask)
        if cache is not None:
            raise ValueError("segments are for training; with a cache, give a mask of three axes")
        query, key, value = self.project(x, segment_pos)
        return None, self.output(self.attend(query, key, value, attn_mask))

    def attend(
        self, query: jax.Array, key: jax.Array, value: jax.Array, segments: jax.Array
    ) -> jax.Array:
        """See `blocks.attend`."""
        return attend(query, key, value, segments, self.window)


class FlashAttention(BlockAttention):
    """The same by kernels for one NVIDIA GPU."""

    def attend(
        self, query: jax.Array, key: jax.Array, value: jax.Array, segments: jax.Array
    ) -> jax.Array:
        return attend_flash(
            query, key, value, segments, self.window, interpret=not kernels.on_gpu()
        )


class _CacheAttention(ProjectedAttention):
    """For the engine: keys and values have the layout of the cache, heads before time."""

    def _project_for_cache(
        self, x: jax.Array, positions: jax.Array
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        """As `project`, transposed.

        query:      [rows, kv_heads, group, time, head_dim]
        key, value: [rows, kv_heads, time, head_dim]
        """
        query, key, value = self.project(x, positions)
        return query.transpose(0, 2, 3, 1, 4), key.swapaxes(1, 2), value.swapaxes(1, 2)

    def _attend(
        self, query: jax.Array, key: jax.Array, value: jax.Array, mask: jax.Array
    ) -> jax.Array:
        """[rows, time, features]. mask: bool, broadcast to [rows, time, columns]."""
        # in float32, as training has them: the sampler's probabilities should be the trainer's
        scores = jnp.einsum("bkgth,bksh->bkgts", query, key, preferred_element_type=jnp.float32)
        scores = jnp.where(mask[:, None, None], scores, gemma3.K_MASK)
        weights = jax.nn.softmax(scores, axis=-1).astype(value.dtype)
        mixed = jnp.einsum("bkgts,bksh->bkgth", weights, value)
        return self.output(mixed.transpose(0, 3, 1, 2, 4))


class PromptAttention(_CacheAttention):
    """Over prompts that start at position 0 and are padded on the right; returns their cache."""

    def block(self, x, segment_pos, cache, attn_mask) -> tuple[LayerCache, jax.Array]:
        query, key, value = self._project_for_cache(x, segment_pos)
        column = jnp.arange(x.shape[1])
        distance = column[:, None] - column[None]
        mask = distance >= 0
        if self.window is not None:
            mask &= distance < self.window
        return {"k": key, "v": value}, self._attend(query, key, value, mask[None])


class SlotAttention(_CacheAttention):
    """Of one new token per slot, over the cache of the slot."""

    def block(self, x, segment_pos, cache, attn_mask) -> tuple[LayerCache, jax.Array]:
        assert cache is not None
        query, key, value = self._project_for_cache(x, segment_pos)
        position = segment_pos[:, 0]
        length, rows = cache["k"].shape[2], jnp.arange(x.shape[0])
        column = position % length
        key = cache["k"].at[rows, :, column].set(key[:, :, 0])
        value = cache["v"].at[rows, :, column].set(value[:, :, 0])
        # once the ring buffer has wrapped around it holds exactly the window
        filled = jnp.minimum(position + 1, length)
        return {"k": key, "v": value}, self.attend_filled(query, key, value, filled, attn_mask)

    def attend_filled(
        self,
        query: jax.Array,
        key: jax.Array,
        value: jax.Array,
        filled: jax.Array,
        live: jax.Array | None,
    ) -> jax.Array:
        """[slots, 1, features]. Over the first `filled` [slots] columns; not of use if not live."""
        mask = jnp.arange(key.shape[2])[None] < filled[:, None]
        return self._attend(query, key, value, mask[:, None])


class FlashSlotAttention(SlotAttention):
    """The same by a kernel for one NVIDIA GPU, which reads the filled columns of live slots."""

    def attend_filled(
        self,
        query: jax.Array,
        key: jax.Array,
        value: jax.Array,
        filled: jax.Array,
        live: jax.Array | None,
    ) -> jax.Array:
        if live is not None:
            filled = jnp.where(live, filled, 0)
        mixed = attend_slots(query[:, :, :, 0], key, value, filled, interpret=not kernels.on_gpu())
        return self.output(mixed[:, None])


def with_attention(model: Model, attention: type[gemma3.Attention]) -> Model:
    """`model` itself, changed in place: each layer's attention is now of the class `attention`.

    The parameters stay where they are: the classes differ in what they compute, not in what they
    hold. To keep the caller's model as it is, give a copy.
    """
    for layer in model.layers:  # type: ignore[attr-defined]
        layer.attn.__class__ = attention
    return model


def positions_and_mask(model: nnx.Module, segments: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The arguments of `model` with which each segment is read as if it stood alone.

    segments: [batch, time]  int or bool, 0 at padding
    returns:  positions [batch, time]; the segments themselves for a BlockAttention, else a mask
              [batch, time, time]
    """
    attention = model.layers[0].attn  # type: ignore[attr-defined]
    takes_segments = isinstance(attention, BlockAttention)
    return positions_of(segments), segments if takes_segments else mask_of(segments)
