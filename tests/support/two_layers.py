"""A Gemma 3 of one local and one global layer, with a window of eight tokens: compiles fast."""

import dataclasses
from typing import Any

import jax
import numpy as np
import pytest
from flax import nnx
from tunix.models.gemma3.model import Attention, AttentionType, Gemma3

from pipeline.attention import BlockAttention, with_attention
from pipeline.loss.sft import sft_loss
from pipeline.model import TINY, device_mesh, gemma3
from pipeline.model.lora import add_adapters
from tests.support.random_model import disturb, random_model

WINDOW = 8
LORA = nnx.DiffState(0, nnx.LoRAParam)
KINDS = (AttentionType.LOCAL_SLIDING, AttentionType.GLOBAL)


def built(*, blocks: bool, shape: dict | None = None) -> Gemma3:
    """A model whose weights are always the same.

    blocks: with BlockAttention in place of Tunix's
    shape: changes of Tunix's configuration
    """
    config = gemma3.architecture(TINY, "float32")
    small: dict[str, Any] = {"num_layers": 2, "embed_dim": 32, "hidden_dim": 48, "head_dim": 8}
    small |= {"sliding_window_size": WINDOW} | (shape or {})
    small["layer_types"] = KINDS[: small["num_layers"]]
    model = random_model(dataclasses.replace(config, **small))
    return with_attention(model, BlockAttention) if blocks else model


def with_adapters(model: Gemma3) -> Gemma3:
    """`model` with adapters that change its results; always the same ones."""
    adapted = add_adapters(model, rank=4, alpha=8.0, seed=0, mesh=device_mesh())
    disturb(adapted)
    return adapted


def with_dense_attention(model: Gemma3) -> Gemma3:
    """A copy of `model` whose attention is Tunix's."""
    return with_attention(nnx.clone(model), Attention)


@nnx.jit
def loss_and_gradient(model, ids, completion, segments):
    """Of the SFT loss, for the adapters. Compiled once per shape, for all test files."""
    return nnx.value_and_grad(sft_loss, argnums=LORA)(model, ids, completion, segments)


def assert_same(actual, expected) -> None:
    """Two results of `loss_and_gradient` are equal, and every adapter takes part."""
    assert float(actual[0]) == pytest.approx(float(expected[0]), rel=1e-5)
    pairs = zip(jax.tree.leaves(actual[1]), jax.tree.leaves(expected[1]), strict=True)
    for one, other in pairs:
        assert np.abs(other).max() > 0
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6)
