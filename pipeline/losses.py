"""The loss of SFT: mean surprise at the completion's tokens, without Tunix's one-hot."""

import jax
import jax.numpy as jnp
from flax import nnx
from tunix.sft.utils import build_positions_from_mask, make_causal_attn_mask


def completion_loss(logits: jax.Array, ids: jax.Array, completion: jax.Array) -> jax.Array:
    """Mean cross-entropy over the completion [nats per token]. The prompt does not count.

    logits:     [batch, time, vocab]  float, scores for the token at the *next* position
    ids:        [batch, time]         int
    completion: [batch, time]         bool, true at the completion's tokens and its stop token
    returns:    []                    float32
    """
    scores = logits[:, :-1].astype(jnp.float32)
    chosen = jnp.take_along_axis(scores, ids[:, 1:, None], axis=-1)[..., 0]
    surprise = jax.nn.logsumexp(scores, axis=-1) - chosen
    counts = completion[:, 1:].astype(jnp.float32)
    return (surprise * counts).sum() / jnp.maximum(counts.sum(), 1.0)


def sft_loss(
    model: nnx.Module, ids: jax.Array, completion: jax.Array, present: jax.Array
) -> jax.Array:
    """`completion_loss` of `model`, called whole so that its adapters take part.

    ids, completion: [batch, time]   present: [batch, time]  bool, false at padding
    """
    logits, _ = model(ids, build_positions_from_mask(present), None, make_causal_attn_mask(present))
    return completion_loss(logits, ids, completion)
