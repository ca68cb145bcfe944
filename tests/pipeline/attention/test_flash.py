"""The GPU kernels of attention, interpreted on a CPU: the numbers of the plain operations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pipeline.attention import blocks, flash, flash_kernels, slot_kernel
from pipeline.attention.layers import FlashAttention, with_attention
from tests.support.two_layers import assert_same, built, loss_and_gradient

TIME = 37


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(flash_kernels, "BLOCK", 16)
    monkeypatch.setattr(flash_kernels, "QUERIES_BACK", 8)
    monkeypatch.setattr(slot_kernel, "BLOCK", 16)


def packed_rows() -> np.ndarray:
    """A row without padding, one padded on both sides, one of examples with a hole in one."""
    segments = np.ones((3, TIME), np.int32)
    segments[1, :5] = segments[1, 30:] = 0
    segments[2] = np.repeat([1, 2, 3, 0], [9, 3, 20, 5])
    segments[2, 20] = 0
    return segments


@pytest.mark.parametrize(
    ("window", "kv_heads", "group"), [(None, 1, 4), (9, 1, 2), (9, 2, 1), (500, 1, 1)]
)
def test_flash_attention_and_its_gradients_are_those_of_the_plain_code(window, kv_heads, group):
    rng = np.random.default_rng(0)
    segments = packed_rows()
    shape = (*segments.shape, kv_heads)
    query = rng.standard_normal((*shape, group, 8)).astype(np.float32)
    key, value = rng.standard_normal((2, *shape, 8)).astype(np.float32)
    # where a token attends to none, the results have no meaning
    counts = (np.maximum.accumulate(segments, axis=1) > 0)[..., None, None, None]
    direction = rng.standard_normal(query.shape).astype(np.float32) * counts

    def of(attend, **options):
        def along(query, key, value):
            mixed = attend(query, key, value, jnp.asarray(segments), window, **options)
            return (mixed * direction).sum(), mixed * counts

        return jax.jit(jax.grad(along, (0, 1, 2), has_aux=True))(query, key, value)

    actual, expected = of(flash.attend_flash, interpret=True), of(blocks.attend)
    for one, other in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)


def test_training_by_kernels_has_the_loss_and_gradients_of_the_plain_code():
    ids = jax.random.randint(jax.random.key(0), (3, TIME), 110, 500)
    segments = jnp.asarray(packed_rows())
    completion = (segments != 0) & (jnp.arange(TIME) % 5 != 1)[None]
    plain, kernels = built(blocks=True), with_attention(built(blocks=True), FlashAttention)
    assert_same(
        *(loss_and_gradient(model, ids, completion, segments) for model in (kernels, plain))
    )


@pytest.mark.parametrize(("slots", "kv_heads", "group"), [(5, 1, 4), (3, 2, 1)])
def test_attention_of_slots_reads_the_filled_columns_only(slots, kv_heads, group):
    rng = np.random.default_rng(0)
    length, head_dim = 48, 8
    query = rng.standard_normal((slots, kv_heads, group, head_dim)).astype(np.float32)
    key, value = rng.standard_normal((2, slots, kv_heads, length, head_dim)).astype(np.float32)
    filled = np.array([0, length, 1, 17, 32], np.int32)[:slots]
    unread = np.arange(length) >= filled[:, None]
    key[unread[:, None].repeat(kv_heads, 1)] = 1e3  # of an earlier text
    read = jax.jit(lambda *arrays: slot_kernel.attend_slots(*arrays, interpret=True))
    mixed = read(query, key, value, filled)
    for slot, columns in enumerate(filled):
        scores = np.einsum("kgd,kld->kgl", query[slot], key[slot, :, :columns])
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True, initial=-np.inf))
        expected = np.einsum("kgl,kld->kgd", weights, value[slot, :, :columns])
        expected /= np.maximum(weights.sum(axis=-1)[..., None], 1e-30)
        np.testing.assert_allclose(mixed[slot], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("slots", "kv_heads", "length", "parts"), [(64, 1, 512, 4), (256, 1, 896, 1), (1, 1, 48, 3)]
)
def test_few_slots_are_divided_among_more_programs(slots, kv_heads, length, parts, monkeypatch):
    monkeypatch.setattr(slot_kernel, "BLOCK", 64 if length > 48 else 16)
    assert slot_kernel.parts_of(slots, kv_heads, length) == parts
