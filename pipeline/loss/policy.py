"""The two losses: surprise at the completion for SFT, the clipped policy gradient for GRPO."""

import jax
import jax.numpy as jnp
from flax import nnx, struct
from tunix.rl import common
from tunix.rl.grpo.grpo_learner import GRPOConfig, TrainExample

from pipeline.loss.head import TokenScores, token_scores
from pipeline.loss.variants import Objective, aggregate, divisor, ended
from pipeline.model import positions_and_mask


def sft_loss(
    model: nnx.Module, ids: jax.Array, completion: jax.Array, segments: jax.Array
) -> jax.Array:
    """Mean cross-entropy over the completions [nats per token]. Prompts do not count.

    Each example is scored as if it stood alone, however many share a row.

    ids:        [batch, time]  int
    completion: [batch, time]  bool, true at a completion's tokens and its stop token
    segments:   [batch, time]  int or bool: examples of a row are numbered from 1, padding is 0
    returns:    []             float32
    """
    positions, mask = positions_and_mask(model, segments)
    logp = token_scores(model, ids, positions, mask, last=ids.shape[1] - 1).logp
    follows = segments[:, 1:] == segments[:, :-1]  # nothing of its example precedes a first token
    return -masked_mean(logp, completion[:, 1:] & follows)


def masked_mean(values: jax.Array, mask: jax.Array) -> jax.Array:
    """Mean of `values` where `mask` is true; 0 where it is true nowhere."""
    counts = mask.astype(jnp.float32)
    return (values * counts).sum() / jnp.maximum(counts.sum(), 1.0)


def completion_scores(
    model: nnx.Module, prompts: jax.Array, completions: jax.Array, *, pad: int, temperature: float
) -> TokenScores:
    """Scores of the tokens of `completions` [batch, completion] after `prompts` [batch, prompt]."""
    ids = jnp.concatenate([prompts, completions], axis=1)
    positions, mask = positions_and_mask(model, ids != pad)
    last = completions.shape[1]
    return token_scores(model, ids, positions, mask, last=last, temperature=temperature)


@struct.dataclass(frozen=True)
class Piece(TrainExample):
    """A part of a step's completions whose gradient is averaged with those of the other parts.

    divisor: [batch]  float32, the same in all rows: what sums over the piece are divided by, so
             that the mean over the pieces is what the whole step would give; see `piece_of`
    """

    divisor: jax.Array | None = None


def piece_of(whole: TrainExample, objective: Objective, pieces: int) -> Piece:
    """The completions of a step, ready to be cut into `pieces` of as many rows each."""
    mask = _learned_from(whole, objective)
    each = divisor(mask, objective.aggregate) / pieces
    rows = jnp.full(len(whole.completion_ids), each, jnp.float32)
    return Piece(**vars(whole), divisor=rows)


def _learned_from(example: TrainExample, objective: Objective) -> jax.Array:
    """[batch, completion]  bool: tokens that count; none of a row that was cut off, if so asked."""
    mask = example.completion_mask
    if objective.stops:
        mask = mask & ended(example.completion_ids, mask, objective.stops)[:, None]
    return mask


def policy_loss(
    model: nnx.Module,
    example: TrainExample,
    config: GRPOConfig,
    *,
    pad: int,
    temperature: float,
    objective: Objective | None = None,
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """GRPO's loss (arXiv:2402.03300, equation 3), and means over the completions to be logged.

    By default equal to Tunix's, which keeps the logits of the whole batch.

    example: prompt_ids [batch, prompt], completion_ids and completion_mask [batch, completion],
             advantages [batch], ref_per_token_logps and old_per_token_logps [batch, completion]
             or None: no KL, and the policy that sampled is the one that is trained
    """
    goal = objective or Objective(low=config.epsilon, high=config.epsilon)
    scores = completion_scores(
        model, example.prompt_ids, example.completion_ids, pad=pad, temperature=temperature
    )
    mask, logp = _learned_from(example, goal), scores.logp
    by = example.divisor[0] if isinstance(example, Piece) and example.divisor is not None else None
    old = example.old_per_token_logps
    ratio = jnp.exp(logp - (jax.lax.stop_gradient(logp) if old is None else old))
    advantages = example.advantages.astype(jnp.float32)[:, None]
    free = ratio * advantages
    bound = jnp.clip(ratio, 1 - goal.low, 1 + goal.high) * advantages

    def over_tokens(values: jax.Array) -> jax.Array:
        return aggregate(values, mask, goal.aggregate, goal.constant, by)

    loss = -over_tokens(jnp.minimum(free, bound))
    clipped = bound < free
    means = {
        "pg_clipfrac": masked_mean(clipped, mask),
        "clip_high": masked_mean(clipped & (advantages > 0), mask),
        "clip_low": masked_mean(clipped & (advantages < 0), mask),
        "entropy": masked_mean(scores.entropy, mask),
    }
    if example.ref_per_token_logps is not None:
        most = config.kl_clamp_value
        kl = common.compute_kl_divergence(logp, example.ref_per_token_logps, config.kl_loss_mode)
        loss += config.beta * over_tokens(kl if most is None else jnp.clip(kl, -most, most))
        # as it is: the mean of what was clamped could never pass the clamp, and warn of it
        means["kl"] = masked_mean(kl, mask)
        means["kl_clamped"] = masked_mean(jnp.abs(kl) > (most or jnp.inf), mask)
    return loss, means
