"""A small policy and completions for it, with losses of ours and of Tunix's to be compared."""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from tunix.models.gemma3.model import Gemma3
from tunix.rl import algo_core

from pipeline.config import GrpoConfig
from pipeline.loss import objective_of, policy_loss
from pipeline.model import TINY, device_mesh, gemma3
from pipeline.model.lora import add_adapters
from pipeline.tiny.train_base import initialise
from pipeline.train import tunix

PAD, ROWS, PROMPT, COMPLETION, TEMPERATURE = 0, 4, 7, 21, 0.9
CONFIG = GrpoConfig(beta=0.3, epsilon=0.1, temperature=TEMPERATURE)
ALGORITHM, OBJECTIVE = tunix.algorithm(CONFIG), objective_of(CONFIG, [])


def policy_of_two_layers() -> nnx.Module:
    """A model of two layers with adapters that changed it."""
    config = gemma3.architecture(TINY, "float32")
    start = Gemma3(dataclasses.replace(config, num_layers=2), rngs=nnx.Rngs(0))
    initialise(start, seed=0)
    model = add_adapters(start, rank=4, alpha=8.0, seed=0, mesh=device_mesh())
    keys = iter(jax.random.split(jax.random.key(1), 100))
    trained = jax.tree.map(
        lambda w: w + 0.1 * jax.random.normal(next(keys), w.shape), nnx.state(model, nnx.LoRAParam)
    )
    nnx.update(model, trained)
    return model


class Example(NamedTuple):
    """What `policy_loss` and Tunix's loss read of an example."""

    prompt_ids: jax.Array
    completion_ids: jax.Array
    completion_mask: jax.Array
    advantages: jax.Array
    ref_per_token_logps: jax.Array
    old_per_token_logps: jax.Array | None
    divisor: jax.Array | None = None


def example(*, old: bool) -> Example:
    """Rows of unequal length, one without a completion; log-probabilities as others left them."""
    rng = np.random.default_rng(0)
    prompts = rng.integers(110, 500, (ROWS, PROMPT))
    completions = rng.integers(110, 500, (ROWS, COMPLETION))
    for row in range(ROWS):
        prompts[row, :row] = PAD
        completions[row, COMPLETION - 7 * row :] = PAD
    sampled = -6 + rng.normal(size=(ROWS, COMPLETION))
    return Example(
        prompt_ids=jnp.asarray(prompts),
        completion_ids=jnp.asarray(completions),
        completion_mask=jnp.asarray(completions != PAD),
        advantages=jnp.asarray(rng.normal(size=ROWS)),
        ref_per_token_logps=jnp.asarray(sampled, dtype=jnp.float32),
        old_per_token_logps=jnp.asarray(sampled + 0.1, dtype=jnp.float32) if old else None,
    )


def ours(model, given):
    return policy_loss(model, given, OBJECTIVE, pad=PAD, temperature=TEMPERATURE)


def theirs(model, given, algorithm=ALGORITHM):
    return algo_core.grpo_loss_fn(model, given, algorithm, PAD, 1)


def differentiated(loss, model, given, wrt: Any = nnx.LoRAParam):
    """`loss` and its gradient for the parameters `wrt`, ready to be compiled or called."""
    graph, state = nnx.split(model)

    def value_and_gradient(state, given):
        at = nnx.DiffState(0, wrt)
        return nnx.value_and_grad(loss, argnums=at, has_aux=True)(nnx.merge(graph, state), given)

    return jax.jit(value_and_gradient).lower(state, given).compile(), (state, given)


def called(compiled, arguments):
    return compiled(*arguments)


def same_gradient(ours, other):
    for one, two in zip(jax.tree.leaves(ours), jax.tree.leaves(other), strict=True):
        assert float(jnp.abs(two).max()) > 0
        assert jnp.allclose(one, two, rtol=1e-3, atol=1e-6)
