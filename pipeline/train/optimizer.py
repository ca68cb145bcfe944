"""AdamW with a learning rate schedule, for SFT and GRPO."""

import functools

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from pipeline.config import LoraConfig, warmup_steps


def adamw(config: LoraConfig, steps: int) -> optax.GradientTransformation:
    """AdamW after clipping by global norm; linear warm-up, then cosine decay to 0 at `steps`."""
    return _adamw(
        rate=config.learning_rate,
        warmup=warmup_steps(config.warmup, steps),
        steps=max(2, steps),
        clip=config.clip,
        beta2=config.beta2,
        decay=config.weight_decay,
    )


# the same one for equal numbers: two of Optax's are never equal, and with them no programs
@functools.lru_cache(maxsize=8)
def _adamw(
    *, rate: float, warmup: int, steps: int, clip: float, beta2: float, decay: float
) -> optax.GradientTransformation:
    schedule = optax.warmup_cosine_decay_schedule(
        init_value=0.0, peak_value=rate, warmup_steps=warmup, decay_steps=steps
    )
    return optax.chain(
        optax.clip_by_global_norm(clip),
        optax.adamw(schedule, b1=0.9, b2=beta2, weight_decay=decay),
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
