"""The losses of preference pairs: DPO, IPO and ORPO.

Each is the formula of its paper. Tunix's ORPO takes the odds of a completion's whole probability,
the paper (section 4.1) those of its mean log-probability per token: ours is the paper's.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from pipeline.attention import positions_and_mask
from pipeline.config import DpoConfig
from pipeline.loss.head import token_scores
from pipeline.model import ProgramCache

MOST_LIKELY = -1e-6  # nats a token: the odds of a certain text are infinite


@dataclass(frozen=True)
class PreferenceObjective:
    """The knobs of `DpoConfig` that the loss depends on."""

    loss: str
    beta: float
    orpo_weight: float
    label_smoothing: float
    length_normalised: bool
    nll_weight: float


class CompletionScores(NamedTuple):
    """What a model says of the completion of each row."""

    logp: jax.Array  # [rows]  float32, nats: sum over its tokens
    tokens: jax.Array  # [rows]  float32


def preference_objective(config: DpoConfig) -> PreferenceObjective:
    return PreferenceObjective(
        config.loss,
        config.beta,
        config.orpo_weight,
        config.label_smoothing,
        config.length_normalised,
        config.nll_weight,
    )


def completion_logps(
    model: nnx.Module, ids: jax.Array, completion: jax.Array, segments: jax.Array
) -> CompletionScores:
    """The log-probability of each row's completion after its prompt.

    ids, completion, segments: as `packing.batch_of` makes them, one example a row
    """
    positions, mask = positions_and_mask(model, segments)
    logp = token_scores(model, ids, positions, mask, last=ids.shape[1] - 1).logp
    counts = completion[:, 1:].astype(jnp.float32)
    return CompletionScores((logp * counts).sum(axis=-1), counts.sum(axis=-1))


def completion_logps_program(model: nnx.Module) -> tuple[Any, nnx.State]:
    """`completion_logps` jitted, of (weights, ids, completion, segments), and the weights."""
    graph, weights = nnx.split(model)

    def logps(weights: Any, *batch: jax.Array) -> CompletionScores:
        return completion_logps(nnx.merge(graph, weights), *batch)

    return _PROGRAMS.get([graph], lambda: jax.jit(logps)), weights


_PROGRAMS: ProgramCache[Any] = ProgramCache()


def preference_loss(
    model: nnx.Module,
    ids: jax.Array,
    completion: jax.Array,
    segments: jax.Array,
    reference: jax.Array,
    objective: PreferenceObjective,
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """The mean loss of a batch of pairs, and means to be logged.

    ids, completion, segments: [2 * pairs, time]; the chosen completions, then the rejected ones
    reference: [2 * pairs]  float32, nats: log-probabilities under the start model; ORPO reads none
    """
    scores = completion_logps(model, ids, completion, segments)
    return loss_of_logps(scores, reference, objective)


def loss_of_logps(
    scores: CompletionScores, reference: jax.Array, objective: PreferenceObjective
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """`preference_loss`, given the policy's log-probabilities."""
    tokens = jnp.maximum(scores.tokens, 1.0)
    per_token, change = scores.logp / tokens, (scores.logp - reference) / tokens
    if objective.loss == "orpo":
        losses = _orpo(per_token, objective)
        rewards = objective.orpo_weight * per_token
    else:
        ratios = change if objective.length_normalised else scores.logp - reference
        losses = _of_difference(_difference(ratios), objective)
        losses -= objective.nll_weight * _chosen(per_token)
        rewards = objective.beta * ratios
    means = {
        "rewards/chosen": _chosen(rewards).mean(),
        "rewards/rejected": _rejected(rewards).mean(),
        "rewards/margin": _difference(rewards).mean(),
        "rewards/accuracy": (_difference(rewards) > 0).mean(),
        "log_probs/chosen": _chosen(per_token).mean(),
        "log_probs/rejected": _rejected(per_token).mean(),
    }
    if objective.loss != "orpo":
        means["change/chosen"] = _chosen(change).mean()
        means["change/rejected"] = _rejected(change).mean()
        means["kl"] = (reference - scores.logp).sum() / tokens.sum()
    return losses.mean(), means


def _chosen(rows: jax.Array) -> jax.Array:
    return rows[: len(rows) // 2]


def _rejected(rows: jax.Array) -> jax.Array:
    return rows[len(rows) // 2 :]


def _difference(rows: jax.Array) -> jax.Array:
    return _chosen(rows) - _rejected(rows)


def _of_difference(difference: jax.Array, objective: PreferenceObjective) -> jax.Array:
    """DPO (arXiv:2305.18290, equation 7) or IPO (arXiv:2310.12036, equation 17) of each pair.

    difference: of the two log-ratios of policy and reference [nats]
    """
    if objective.loss == "ipo":
        return (difference - 1 / (2 * objective.beta)) ** 2
    return _sigmoid_loss(objective.beta * difference, objective)


def _orpo(per_token: jax.Array, objective: PreferenceObjective) -> jax.Array:
    """ORPO of each pair (arXiv:2403.07691, equations 4 to 7).

    per_token: mean log-probability of each completion's tokens
    """
    likely = jnp.minimum(per_token, MOST_LIKELY)
    log_odds = likely - jnp.log(-jnp.expm1(likely))
    ratio_loss = _sigmoid_loss(_difference(log_odds), objective)
    return -_chosen(per_token) + objective.orpo_weight * ratio_loss


def _sigmoid_loss(difference: jax.Array, objective: PreferenceObjective) -> jax.Array:
    """With label smoothing e, that of conservative DPO: the labels are wrong with probability e."""
    smoothing = objective.label_smoothing
    right, wrong = jax.nn.log_sigmoid(difference), jax.nn.log_sigmoid(-difference)
    return -(1 - smoothing) * right - smoothing * wrong
