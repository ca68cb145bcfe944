"""Adapters: in effect, in float32, and merged without loss."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from scipy.special import log_softmax
from tunix.sft.utils import build_positions_from_mask, make_causal_attn_mask

from pipeline.loss.sft import sft_loss
from pipeline.model import gemma3
from pipeline.model.lora import add_adapters, merge_adapters

IDS = np.arange(24).reshape(2, 12) + 110
PRESENT = np.ones_like(IDS, dtype=bool)
COMPLETION = np.arange(12)[None, :].repeat(2, axis=0) >= 6


@nnx.jit
def logits(model):
    mask = make_causal_attn_mask(jnp.asarray(PRESENT))
    return model(IDS, build_positions_from_mask(jnp.asarray(PRESENT)), None, mask)[0]


def with_new_adapters(loaded):
    return add_adapters(loaded.model, rank=4, alpha=8.0, seed=0, mesh=loaded.mesh)


@pytest.fixture(scope="module")
def loaded(few):
    return gemma3.load(str(few))


@pytest.fixture(scope="module")
def new(loaded):
    """`loaded` with adapters as they begin."""
    return with_new_adapters(loaded)


@pytest.fixture
def trained(new):
    """`new` with adapters that have a value, as if trained."""
    model, state = nnx.clone(new), nnx.state(new, nnx.LoRAParam)
    nnx.update(model, jax.tree.map(lambda w: jnp.asarray(0.05 + np.asarray(w)), state))
    return model


def test_new_adapters_change_nothing(loaded, new):
    assert np.array_equal(logits(new), logits(loaded.model))


def test_adapters_of_another_model_of_this_structure_are_those_of_their_seed(few, loaded, new):
    other = gemma3.load(str(few))
    of_seed = [
        add_adapters(other.model, rank=4, alpha=8.0, seed=seed, mesh=other.mesh)
        for seed in (0, 2**32 - 1)
    ]
    first = nnx.state(new, nnx.LoRAParam)
    same, others = (
        jax.tree.map(np.array_equal, first, nnx.state(model, nnx.LoRAParam)) for model in of_seed
    )
    assert all(jax.tree.leaves(same))
    # the B matrices are zeros in both
    assert sum(jax.tree.leaves(others)) == len(jax.tree.leaves(others)) // 2
    assert nnx.graphdef(of_seed[0]) == nnx.graphdef(of_seed[1]) == nnx.graphdef(new)


def test_every_projection_has_adapters(loaded, new):
    modules = {path[-2] for path, _ in nnx.to_flat_state(nnx.state(new, nnx.LoRAParam))}
    wanted = {"attn_vec_einsum", "gate_proj", "up_proj", "down_proj"}
    attention = loaded.model.layers[0].attn
    wanted |= {"qkv_einsum"} if attention.use_qkv_einsum else {"q_einsum", "kv_einsum"}
    assert modules == wanted


def test_adapters_get_a_gradient_through_the_models_own_call(trained):
    lora = nnx.DiffState(0, nnx.LoRAParam)
    gradient = nnx.jit(nnx.grad(sft_loss, argnums=lora))(trained, IDS, COMPLETION, PRESENT)
    assert min(np.abs(leaf).sum() for leaf in jax.tree.leaves(gradient)) > 0


def test_adapters_and_their_moments_are_float32_over_a_bfloat16_base(few):
    loaded = gemma3.load(str(few), dtype="bfloat16")
    model = with_new_adapters(loaded)
    optimizer = nnx.Optimizer(model, optax.adamw(1e-3), wrt=nnx.LoRAParam)
    moments = jax.tree.leaves(nnx.state(optimizer, nnx.optimizer.OptState))
    assert {leaf.dtype for leaf in jax.tree.leaves(nnx.state(model, nnx.LoRAParam))} == {
        jnp.dtype("float32")
    }
    assert {leaf.dtype for leaf in moments if leaf.ndim} == {jnp.dtype("float32")}
    assert nnx.eval_shape(logits, model).dtype == jnp.bfloat16


def test_actor_and_reference_share_the_base_weights(loaded, new):
    assert (
        new.embedder.input_embedding[...].unsafe_buffer_pointer()
        == loaded.model.embedder.input_embedding[...].unsafe_buffer_pointer()
    )


def test_merged_weights_compute_what_the_adapters_did(loaded, trained):
    plain, expected = np.asarray(logits(loaded.model)), np.asarray(logits(trained))
    merged = merge_adapters(trained, nnx.clone(loaded.model), alpha=8.0)
    assert np.abs(expected - plain).max() > 0.1
    np.testing.assert_allclose(logits(merged), expected, rtol=1e-5, atol=2e-4)


def test_the_prompt_does_not_count_in_the_loss(loaded):
    of_the_last = COMPLETION & (np.arange(12) == 11)
    scores = log_softmax(np.asarray(logits(loaded.model))[:, -2], axis=-1)
    expected = -np.take_along_axis(scores, IDS[:, -1:], axis=-1).mean()
    loss = nnx.jit(sft_loss)(loaded.model, *map(jnp.asarray, (IDS, of_the_last, PRESENT)))
    assert float(loss) == pytest.approx(expected, rel=1e-5)
