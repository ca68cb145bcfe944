"""A small policy and completions for it, with losses of ours and of Tunix's to be compared."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from tunix.rl import algo_core

from pipeline.config import GrpoConfig
from pipeline.loss import objective_of, policy_loss
from pipeline.model import TINY, device_mesh, gemma3
from pipeline.model.lora import add_adapters
from pipeline.train import tunix
from tests.support.random_model import disturb, random_model

PAD, ROWS, PROMPT, COMPLETION, TEMPERATURE = 0, 4, 7, 21, 0.9
CONFIG = GrpoConfig(beta=0.3, epsilon=0.1, temperature=TEMPERATURE)
Losses = Callable[[Any, Any], tuple[list[jax.Array], Any]]  # (model, example) -> values, more
ALGORITHM, OBJECTIVE = tunix.algorithm(CONFIG), objective_of(CONFIG, [])


def policy_of_one_layer() -> nnx.Module:
    """A model of one layer with adapters that changed it."""
    config = gemma3.architecture(TINY, "float32")
    one = {"num_layers": 1, "layer_types": config.layer_types[:1]}
    start = random_model(dataclasses.replace(config, **one))
    model = add_adapters(start, rank=4, alpha=8.0, seed=0, mesh=device_mesh())
    disturb(model)
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
    sampled_logps: jax.Array | None = None


def example(*, old: bool, sampler: bool = False) -> Example:
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
        sampled_logps=(
            jnp.asarray(sampled + rng.normal(size=sampled.shape), dtype=jnp.float32)
            if sampler
            else None
        ),
    )


def ours(model, given):
    return policy_loss(model, given, OBJECTIVE, pad=PAD, temperature=TEMPERATURE)


def theirs(model, given, algorithm=ALGORITHM):
    return algo_core.grpo_loss_fn(model, given, algorithm, PAD, 1)


class Differentiated(NamedTuple):
    """Several losses at one time; `loss` and the leaves of `gradient` begin with their axis."""

    loss: jax.Array
    more: Any  # what the losses return beside their values
    gradient: nnx.State  # of the adapters


def differentiated(losses: Losses, model: nnx.Module) -> Callable[..., Differentiated]:
    """A compiled function of an example: all `losses`, which share one backward pass."""
    graph, adapters, rest = nnx.split(model, nnx.LoRAParam, ...)

    def values(adapters, given):
        results, more = losses(nnx.merge(graph, adapters, rest), given)
        loss = jnp.stack(results)
        return loss, (loss, more)

    def program(adapters, given) -> Differentiated:
        gradient, (loss, more) = jax.jacrev(values, has_aux=True)(adapters, given)
        return Differentiated(loss, more, gradient)

    compiled = jax.jit(program)
    return lambda given: compiled(adapters, given)


def same_gradient(ours, other):
    for one, two in zip(jax.tree.leaves(ours), jax.tree.leaves(other), strict=True):
        assert np.abs(two).max() > 0
        np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-6)
