"""Adapters: in effect, in float32, and merged without loss."""

import jax
import jax.numpy as jnp
import optax
import pytest
from flax import nnx
from tunix.sft.utils import build_positions_from_mask, make_causal_attn_mask

from pipeline.loss.sft import sft_loss
from pipeline.model import gemma3
from pipeline.model.lora import add_adapters, merge_adapters

IDS = jnp.arange(24).reshape(2, 12) + 110
PRESENT = jnp.ones_like(IDS, dtype=bool)
COMPLETION = jnp.arange(12)[None, :].repeat(2, axis=0) >= 6


def logits(model):
    mask = make_causal_attn_mask(PRESENT)
    return model(IDS, build_positions_from_mask(PRESENT), None, mask)[0]


def adapted(loaded, rank=4):
    return add_adapters(loaded.model, rank=rank, alpha=8.0, seed=0, mesh=loaded.mesh)


def disturb(model):
    """Give every adapter a value, as if trained."""
    state = nnx.state(model, nnx.LoRAParam)
    nnx.update(model, jax.tree.map(lambda w: 0.05 * jnp.ones_like(w) + w, state))
    return model


def test_new_adapters_change_nothing(few):
    loaded = gemma3.load(str(few))
    before = logits(loaded.model)
    assert jnp.array_equal(logits(adapted(loaded)), before)


def test_every_projection_has_adapters(few):
    loaded = gemma3.load(str(few))
    modules = {path[-2] for path, _ in nnx.to_flat_state(nnx.state(adapted(loaded), nnx.LoRAParam))}
    wanted = {"attn_vec_einsum", "gate_proj", "up_proj", "down_proj"}
    attention = loaded.model.layers[0].attn
    wanted |= {"qkv_einsum"} if attention.use_qkv_einsum else {"q_einsum", "kv_einsum"}
    assert modules == wanted


def test_adapters_get_a_gradient_through_the_models_own_call(few):
    model = disturb(adapted(gemma3.load(str(few))))
    lora = nnx.DiffState(0, nnx.LoRAParam)
    gradient = nnx.grad(sft_loss, argnums=lora)(model, IDS, COMPLETION, PRESENT)
    norms = [float(jnp.abs(leaf).sum()) for leaf in jax.tree.leaves(gradient)]
    assert min(norms) > 0


def test_adapters_and_their_moments_are_float32_over_a_bfloat16_base(few):
    loaded = gemma3.load(str(few), dtype="bfloat16")
    model = adapted(loaded)
    optimizer = nnx.Optimizer(model, optax.adamw(1e-3), wrt=nnx.LoRAParam)
    moments = jax.tree.leaves(nnx.state(optimizer, nnx.optimizer.OptState))
    assert {leaf.dtype for leaf in jax.tree.leaves(nnx.state(model, nnx.LoRAParam))} == {
        jnp.dtype("float32")
    }
    assert {leaf.dtype for leaf in moments if leaf.ndim} == {jnp.dtype("float32")}
    assert logits(disturb(model)).dtype == jnp.bfloat16


def test_actor_and_reference_share_the_base_weights(few):
    loaded = gemma3.load(str(few))
    model = adapted(loaded)
    assert (
        model.embedder.input_embedding[...].unsafe_buffer_pointer()
        == loaded.model.embedder.input_embedding[...].unsafe_buffer_pointer()
    )


def test_merged_weights_compute_what_the_adapters_did(few):
    loaded = gemma3.load(str(few))
    plain = logits(loaded.model)
    model = disturb(adapted(loaded))
    expected = logits(model)
    merge_adapters(model, loaded.model, alpha=8.0)
    assert float(jnp.abs(expected - plain).max()) > 0.1
    assert jnp.allclose(logits(loaded.model), expected, atol=2e-4)


def test_the_prompt_does_not_count_in_the_loss(few):
    model = gemma3.load(str(few)).model
    of_the_last = COMPLETION.at[:, :-1].set(False)
    scores = jax.nn.log_softmax(logits(model)[:, -2])
    expected = -jnp.take_along_axis(scores, IDS[:, -1:], axis=-1).mean()
    loss = sft_loss(model, IDS, of_the_last, PRESENT)
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)
