"""The loss of GRPO: the clipped policy gradient and the KL divergence from the reference."""

import dataclasses

import jax
import jax.numpy as jnp
from flax import nnx, struct

from pipeline.loss.head import TokenScores, completion_scores, masked_mean
from pipeline.loss.variants import Objective, aggregate, divisor, ended


@struct.dataclass(frozen=True)
class PolicyExample:
    """The completions of one step, or of one micro-batch of it.

    prompt_ids:          [batch, prompt]      int32, padded on the left
    completion_ids:      [batch, completion]  int32, padded on the right
    completion_mask:     [batch, completion]  bool
    advantages:          [batch]              float
    ref_per_token_logps: [batch, completion]  float32, nats, of the reference; None: no KL
    old_per_token_logps: [batch, completion]  float32, nats, of the policy that sampled; None: it is
                         the policy that is trained
    divisor:             []  float32; see `with_divisor`. None: the batch is a whole step
    """

    prompt_ids: jax.Array
    completion_ids: jax.Array
    completion_mask: jax.Array
    advantages: jax.Array
    ref_per_token_logps: jax.Array | None
    old_per_token_logps: jax.Array | None = None
    divisor: jax.Array | None = None


def with_divisor(example: PolicyExample, objective: Objective, micro_batches: int) -> PolicyExample:
    """`example`, ready to be cut by rows into `micro_batches` of equal size.

    The trainer averages the gradients of the micro-batches. If each divided by its own count of
    tokens or rows, a micro-batch with few of them would weigh too much. So all divide by the count
    of the whole step over the number of micro-batches: their mean is then the loss of the step.
    Tunix cuts arrays by rows and leaves scalars whole, so each micro-batch carries this one.
    """
    count = divisor(_trained_tokens(example, objective), objective.aggregate)
    share = jnp.asarray(count / micro_batches, jnp.float32)
    return dataclasses.replace(example, divisor=share)


def _trained_tokens(example: PolicyExample, objective: Objective) -> jax.Array:
    """[batch, completion]  bool: tokens that count. With `stops`, truncated completions do not."""
    mask = example.completion_mask
    if objective.stops:
        mask = mask & ended(example.completion_ids, mask, objective.stops)[:, None]
    return mask


def policy_loss(
    model: nnx.Module,
    example: PolicyExample,
    objective: Objective,
    *,
    pad: int,
    temperature: float,
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """GRPO's loss (arXiv:2402.03300, equation 3), and means over the completions to be logged.

    The default objective gives Tunix's loss, which keeps the logits of the whole batch in memory.
    """
    scores = completion_scores(
        model, example.prompt_ids, example.completion_ids, pad=pad, temperature=temperature
    )
    return loss_of_scores(scores, example, objective)


def loss_of_scores(
    scores: TokenScores, example: PolicyExample, objective: Objective
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """`policy_loss`, given the scores of the completions' tokens."""
    mask, logp = _trained_tokens(example, objective), scores.logp
    old = example.old_per_token_logps
    ratio = jnp.exp(logp - (jax.lax.stop_gradient(logp) if old is None else old))
    advantages = example.advantages.astype(jnp.float32)[:, None]
    unclipped = ratio * advantages
    clipped = jnp.clip(ratio, 1 - objective.low, 1 + objective.high) * advantages
    loss = -aggregate(jnp.minimum(unclipped, clipped), mask, objective, example.divisor)
    is_clipped = clipped < unclipped
    means = {
        "pg_clipfrac": masked_mean(is_clipped, mask),
        "clip_high": masked_mean(is_clipped & (advantages > 0), mask),
        "clip_low": masked_mean(is_clipped & (advantages < 0), mask),
        "entropy": masked_mean(scores.entropy, mask),
    }
    if example.ref_per_token_logps is not None:
        limit = objective.kl_clamp
        kl = kl_divergence(logp, example.ref_per_token_logps)
        penalty = kl if limit is None else jnp.clip(kl, -limit, limit)
        loss += objective.beta * aggregate(penalty, mask, objective, example.divisor)
        # logged unclamped: a clamped mean could never exceed the limit at which a guard warns
        means["kl"] = masked_mean(kl, mask)
        means["kl_clamped"] = masked_mean(jnp.abs(kl) > (limit or jnp.inf), mask)
    return loss, means


def kl_divergence(logp: jax.Array, reference_logp: jax.Array) -> jax.Array:
    """Estimate of KL(policy || reference) at each token [nats]: k3, never below 0.

    joschu.net/blog/kl-approx.html. The gradient of k1, Tunix's default, has expectation zero.
    """
    difference = reference_logp.astype(jnp.float32) - logp.astype(jnp.float32)
    return jnp.exp(difference) - difference - 1
