"""AdamW with a learning rate schedule, for SFT and GRPO."""

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from pipeline.config import LoraConfig, warmup_steps


def adamw(config: LoraConfig, steps: int) -> optax.GradientTransformation:
    """AdamW after clipping by global norm; linear warm-up, then cosine decay to 0 at `steps`."""
    schedule = optax.warmup_cosine_decay_schedule(
        init_value=0.0,
        peak_value=config.learning_rate,
        warmup_steps=warmup_steps(config.warmup, steps),
        decay_steps=max(2, steps),
    )
    return optax.chain(
        optax.clip_by_global_norm(config.clip),
        optax.adamw(schedule, b1=0.9, b2=config.beta2, weight_decay=config.weight_decay),
    )


def reset_momentum(optimizer: nnx.Optimizer) -> None:
    """Set Adam's moments and its step count to 0. The schedule keeps its step."""
    for part in jax.tree.leaves(optimizer.opt_state, is_leaf=_is_adam):
        if _is_adam(part):
            for variable in jax.tree.leaves(part, is_leaf=_is_variable):
                variable[...] = jnp.zeros_like(variable[...])


def _is_adam(part: object) -> bool:
    return isinstance(part, optax.ScaleByAdamState)


def _is_variable(leaf: object) -> bool:
    return isinstance(leaf, nnx.Variable)
