"""Attention in blocks: the numbers of Tunix's dense attention, without its scores."""

import jax
import jax.extend.core as extend
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from tunix.sft.utils import build_positions_from_mask, make_causal_attn_mask

from pipeline.attention import blocks, mask_of, positions_of
from pipeline.loss.sft import sft_loss
from tests.support.two_layers import assert_same, built, loss_and_gradient


def segments_of(time: int) -> jax.Array:
    """Rows without padding, padded on the left, on the right, in the middle; rows of segments."""
    rng = np.random.default_rng(time)
    segments = np.ones((6, time), dtype=np.int32)
    segments[1, : time // 3] = 0
    segments[2, -(time // 4) :] = 0
    segments[3, time // 2] = 0
    for row in (4, 5):  # padding last
        cuts = np.sort(rng.choice(np.arange(1, time), 3, replace=False))
        segments[row] = (1 + np.searchsorted(cuts, np.arange(time), side="right")) % 4
    return jnp.asarray(segments)


def test_loss_and_gradient_of_adapters_are_those_of_dense_attention(pair):
    ids = jax.random.randint(jax.random.key(0), (6, 21), 110, 500)
    segments = segments_of(21)
    completion = (segments != 0) & (jnp.arange(21) % 5 != 1)[None]
    assert_same(*(loss_and_gradient(model, ids, completion, segments) for model in pair))


@pytest.mark.parametrize("heads", [(4, 4), (4, 1)], ids=["own", "shared"])
def test_logits_are_tunixs_however_heads_share_keys(heads):
    ids = jax.random.randint(jax.random.key(0), (2, 19), 110, 500)
    present = jnp.arange(19)[None] >= jnp.array([[0], [4]])
    positions, mask = build_positions_from_mask(present), make_causal_attn_mask(present)
    shape = {"num_heads": heads[0], "num_kv_heads": heads[1]}
    call = nnx.jit(lambda model, mask: model(ids, positions, None, mask)[0])
    model = built(blocks=True, shape=shape)
    logits, expected = call(model, present), call(model, mask)  # with a mask it is Tunix's
    assert jnp.allclose(logits[present], expected[present], atol=1e-4)


SOME = 4 * 6 * 4 * 21 * 5  # bytes of scores of five queries


@pytest.mark.parametrize(
    ("window", "time", "scores_bytes"),
    [
        (None, 21, 1),
        (None, 21, SOME),
        (8, 21, 1),
        (8, 35, 4 * SOME),
        (8, 9, 0),
        (8, 8, 0),
        (1, 5, 0),
    ],
)
def test_attention_is_that_of_one_softmax_however_many_scores_exist_at_one_time(
    window, time, scores_bytes
):
    rng = np.random.default_rng(0)
    query = rng.normal(size=(6, time, 2, 2, 4)).astype(np.float32)
    key, value = rng.normal(size=(2, 6, time, 2, 4)).astype(np.float32)
    segments = np.asarray(segments_of(time))
    near = np.tri(time, dtype=bool) & ~np.tri(time, k=-(window or time), dtype=bool)
    looked_at = np.maximum.accumulate(segments, axis=1)[:, :, None]
    mask = (looked_at == segments[:, None]) & (segments > 0)[:, None] & near
    scores = np.einsum("bqkgh,bskh->bkgqs", query, key)
    weights = np.exp(scores - scores.max()) * mask[:, None, None]
    weights /= np.maximum(weights.sum(axis=-1, keepdims=True), 1e-30)
    expected = np.einsum("bkgqs,bskh->bqkgh", weights, value)
    attended = jax.jit(blocks.attend, static_argnames=("window", "scores_bytes"))(
        query, key, value, segments, window, scores_bytes=scores_bytes
    )
    attends = mask.any(axis=2)
    assert np.allclose(np.asarray(attended)[attends], expected[attends], atol=1e-5)


def test_a_token_beyond_its_window_or_in_another_segment_changes_nothing():
    value = jnp.arange(24.0)[None, :, None, None]
    same = jnp.zeros((1, 24, 1, 1))  # all scores are equal
    segments = jnp.array([[1] * 10 + [2] * 14])
    attended = blocks.attend(same[..., None], same, value, segments, 8)[0, :, 0, 0, 0]
    means = [sum(range(first, n + 1)) / (n + 1 - first) for n in range(24)
             for first in [max(n - 7, 0 if n < 10 else 10)]]  # fmt: skip
    assert attended.tolist() == pytest.approx(means, rel=1e-5)


def shapes_within(jaxpr) -> set[tuple[int, ...]]:
    """Shapes of everything that `jaxpr` computes, its inner loops included."""
    shapes = set()
    for equation in jaxpr.eqns:
        shapes |= {tuple(v.aval.shape) for v in equation.outvars if hasattr(v.aval, "shape")}
        for inner in extend.jaxprs_in_params(equation.params):
            shapes |= shapes_within(inner)
    return shapes


def largest_square(model, segments) -> int:
    """Most elements that an array with two axes of a row's length has, in loss and gradient."""
    time = segments.shape[1]
    graph, state = nnx.split(model)

    def loss(state):
        return sft_loss(nnx.merge(graph, state), segments, segments == 1, segments)

    shapes = shapes_within(jax.make_jaxpr(jax.grad(loss))(state).jaxpr)
    return max((int(np.prod(s)) for s in shapes if sum(n >= time for n in s) > 1), default=0)


def test_no_layer_holds_scores_of_all_tokens_with_all(monkeypatch):
    time = 1_024  # more than any other axis of the model has
    segments = jnp.ones((1, time), dtype=jnp.int32)
    monkeypatch.setattr(blocks, "SCORES_BYTES", 4 * 4 * 64 * time)
    small = {"num_embed": 512, "sliding_window_size": 128}
    assert largest_square(built(blocks=True, shape=small), segments) == 0
    assert largest_square(built(blocks=False, shape=small), segments) >= 4 * time**2


def test_a_model_keeps_its_parameters_when_its_attention_is_exchanged():
    plain, exchanged = built(blocks=False), built(blocks=True)
    before, after = (nnx.to_flat_state(nnx.state(m, nnx.Param)) for m in (plain, exchanged))
    assert [path for path, _ in before] == [path for path, _ in after]
    assert all(
        jnp.array_equal(a[...], b[...]) for (_, a), (_, b) in zip(before, after, strict=True)
    )


def test_scores_are_float32_under_adapters_over_a_bfloat16_base(pair, monkeypatch):
    seen_types = []
    softmax = jax.nn.softmax
    monkeypatch.setattr(
        jax.nn, "softmax", lambda x, **how: seen_types.append(x.dtype) or softmax(x, **how)
    )
    model = nnx.clone(pair[0])
    base = nnx.state(model, nnx.All(nnx.Param, nnx.Not(nnx.LoRAParam)))
    nnx.update(model, jax.tree.map(lambda w: w.astype(jnp.bfloat16), base))
    segments = jnp.ones((1, 20), dtype=jnp.int32)
    logits = nnx.eval_shape(lambda model: model(segments, segments, None, segments)[0], model)
    assert set(seen_types) == {jnp.dtype("float32")}
    assert logits.dtype == jnp.bfloat16


def test_segments_beside_a_cache_are_refused():
    layer = built(blocks=True).layers[0].attn
    row = jnp.ones((1, 3), dtype=jnp.int32)
    with pytest.raises(ValueError, match="give a mask of three axes"):
        layer(jnp.ones((1, 3, 32)), row, {}, row)


@pytest.mark.parametrize(
    ("segments", "positions"),
    [
        ([0, 0, 1, 1, 1], [0, 0, 0, 1, 2]),
        ([1, 1, 0, 1, 0], [0, 1, 1, 2, 2]),  # a model may sample the padding token
        ([1, 1, 2, 2, 2], [0, 1, 0, 1, 2]),
        ([1, 2, 3, 3, 0], [0, 0, 0, 1, 1]),
    ],
)
def test_positions_begin_at_zero_in_each_segment(segments, positions):
    assert positions_of(jnp.array([segments]))[0].tolist() == positions


def test_positions_and_mask_of_one_segment_are_tunixs():
    present = jnp.asarray(np.random.default_rng(0).random((20, 12)) < 0.7)
    assert jnp.array_equal(positions_of(present), build_positions_from_mask(present))
    assert jnp.array_equal(mask_of(present), make_causal_attn_mask(present))
