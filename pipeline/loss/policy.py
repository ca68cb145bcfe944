"""The loss of GRPO: the clipped policy gradient and the KL divergence from the reference."""

import dataclasses

import jax
import jax.numpy as jnp
from flax import nnx, struct

from pipeline.loss.head import TokenScores, completion_scores, masked_mean
from pipeline.loss.variants import Objective, aggregate, divisor, ended

DIFFERENT = 0.05  # of the probability of a token under the sampler


@struct.dataclass(frozen=True)
class PolicyExample:
    """The completions of one step, or of one micro-batch of it.

    prompt_ids:          [batch, prompt]      int32, padded on the left
    completion_ids:      [batch, completion]  int32, padded on the right
    completion_mask:     [batch, completion]  bool
    advantages:          [batch]              float
    ref_per_token_logps: [batch, completion]  float32, nats, of the reference; None: no KL
    old_per_token_logps: [batch, completion]  float32, nats, of the policy before its first update
                         on this batch; None: it is the policy that is trained
    divisor:             []  float32; see `with_divisor`. None: the batch is a whole step
    sampled_logps:       [batch, completion]  float32, nats, as the sampler computed them: the same
                         weights, other programs; None: unknown
    """

    prompt_ids: jax.Array
    completion_ids: jax.Array
    completion_mask: jax.Array
    advantages: jax.Array
    ref_per_token_logps: jax.Array | None
    old_per_token_logps: jax.Array | None = None
    divisor: jax.Array | None = None
    sampled_logps: jax.Array | None = None


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
    old = jax.lax.stop_gradient(logp) if old is None else old
    advantages = example.advantages.astype(jnp.float32)[:, None]
    ratio = jnp.exp(_log_ratio(logp - old, mask, objective))
    gain, is_clipped = _surrogate(ratio, logp, advantages, objective)
    means = {
        "pg_clipfrac": masked_mean(is_clipped, mask),
        "clip_high": masked_mean(is_clipped & (ratio > 1), mask),
        "clip_low": masked_mean(is_clipped & (ratio < 1), mask),
        "entropy": masked_mean(scores.entropy, mask),
    }
    if example.sampled_logps is not None:
        weight, disagreement = _importance(old - example.sampled_logps, mask, objective)
        gain *= weight
        means |= disagreement
    loss = -aggregate(gain, mask, objective, example.divisor)
    if example.ref_per_token_logps is not None:
        limit = objective.kl_clamp
        kl = kl_divergence(logp, example.ref_per_token_logps)
        penalty = kl if limit is None else jnp.clip(kl, -limit, limit)
        loss += objective.beta * aggregate(penalty, mask, objective, example.divisor)
        # logged unclamped: a clamped mean could never exceed the limit at which a guard warns
        means["kl"] = masked_mean(kl, mask)
        means["kl_clamped"] = masked_mean(jnp.abs(kl) > (limit or jnp.inf), mask)
    return loss, means


def _log_ratio(difference: jax.Array, mask: jax.Array, objective: Objective) -> jax.Array:
    """The logarithm of each token's ratio [batch, completion], by that of its probability."""
    if objective.ratio == "token":
        return difference
    tokens = jnp.maximum(mask.sum(axis=-1, keepdims=True), 1)
    mean = jnp.where(mask, difference, 0).sum(axis=-1, keepdims=True) / tokens
    return jnp.broadcast_to(mean, difference.shape)


def _surrogate(
    ratio: jax.Array, logp: jax.Array, advantages: jax.Array, objective: Objective
) -> tuple[jax.Array, jax.Array]:
    """What each token gains, and whether it was clipped; see `Objective.surrogate`."""
    clipped = jnp.clip(ratio, 1 - objective.low, 1 + objective.high)
    if objective.surrogate == "weight":
        return jax.lax.stop_gradient(clipped) * advantages * logp, clipped != ratio
    smaller = jnp.minimum(ratio * advantages, clipped * advantages)
    return smaller, clipped * advantages < ratio * advantages


def _importance(
    difference: jax.Array, mask: jax.Array, objective: Objective
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """The weight of each token or completion, and how far trainer and sampler disagree.

    difference: log-probability of each token, the trainer's before its update less the sampler's

    Truncated importance sampling (Ionides 2008, doi:10.1198/106186008X320456): min(ratio, cap), of
    what `Objective.ratio` is of.
    mismatch:        mean k3 of KL(sampler || trainer) at a token [nats]
    mismatch_tokens: share of tokens whose two probabilities differ by more than DIFFERENT
    capped:          share of tokens whose weight is the cap
    """
    difference = jax.lax.stop_gradient(difference)
    ratio, cap = jnp.exp(difference), objective.importance_cap
    of_objective = jnp.exp(_log_ratio(difference, mask, objective))  # of tokens or of completions
    weight = jnp.ones_like(ratio) if cap is None else jnp.minimum(of_objective, cap)
    return weight, {
        "mismatch": masked_mean(ratio - 1 - difference, mask),
        "mismatch_tokens": masked_mean(jnp.abs(ratio - 1) > DIFFERENT, mask),
        "capped": masked_mean(of_objective > (cap or jnp.inf), mask),
    }


def kl_divergence(logp: jax.Array, reference_logp: jax.Array) -> jax.Array:
    """Estimate of KL(policy || reference) at each token [nats]: k3, never below 0.

    joschu.net/blog/kl-approx.html. The gradient of k1, Tunix's default, has expectation zero.
    """
    difference = reference_logp.astype(jnp.float32) - logp.astype(jnp.float32)
    return jnp.exp(difference) - difference - 1
