"""A Gemma 3 with random weights: drawn by NumPy, so that nothing is compiled for it."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from tunix.models.gemma3.model import Gemma3

from pipeline.model import gemma3


def random_model(config: gemma3.Architecture, seed: int = 0) -> Gemma3:
    """A model of `config` in float32; every activation is near 1, as in pipeline.tiny."""
    model, random = gemma3.abstract(config), np.random.default_rng(seed)
    weights = nnx.to_flat_state(nnx.state(model))
    drawn = [(path, w.replace(jnp.asarray(_drawn(path, w.shape, random)))) for path, w in weights]
    nnx.update(model, nnx.from_flat_state(drawn))
    return model


def disturb(model: nnx.Module, seed: int = 1, scale: float = 0.1) -> None:
    """Add noise to every adapter, as if trained: a new one's second matrix is zero."""
    random, state = np.random.default_rng(seed), nnx.state(model, nnx.LoRAParam)

    def noisy(weight: np.ndarray) -> jax.Array:
        return jnp.asarray(
            weight + np.float32(scale) * random.standard_normal(weight.shape, np.float32)
        )

    nnx.update(model, jax.tree.map(lambda weight: noisy(np.asarray(weight)), state))


def _drawn(path: tuple, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    if len(shape) < 2:  # scales of norms, to which 1 is added
        return np.zeros(shape, np.float32)
    fan_in = shape[-2]
    if "input_embedding" in path:
        fan_in = shape[1]
    elif "attn_vec_einsum" in path:
        fan_in = shape[0] * shape[1]
    return random.standard_normal(shape, np.float32) * np.float32(fan_in**-0.5)
