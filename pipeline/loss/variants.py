"""The objective of each GRPO variant: ratio of probabilities, clipping, average over tokens, KL."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from pipeline.config import GrpoConfig

EPSILON = 0.2  # arXiv:1707.06347, section 6.1
DAPO_HIGH = 0.28  # arXiv:2503.14476, section 4.1
GSPO_LOW, GSPO_HIGH = 3e-4, 4e-4  # arXiv:2507.18071, section 5.1
CISPO_HIGH = 4.0  # arXiv:2510.13786, section 3.2: weights of up to 5; no lower bound


@dataclass(frozen=True)
class Objective:
    """What the policy loss computes.

    ratio: "token": of each token's probability; "sequence": of the whole completion's, as the
           geometric mean over its tokens (arXiv:2507.18071, equation 7)
    surrogate: "clip": the smaller of ratio and clipped ratio, times the advantage
               (arXiv:1707.06347, equation 7); "weight": the clipped ratio is a weight without a
               gradient on log-probability times advantage (arXiv:2506.13585, equation 4)
    aggregate: see `aggregate`
    low, high: the ratio is clipped to 1 - low and 1 + high
    constant: number of tokens that a row is divided by where `aggregate` is "constant"
    importance_cap: most weight of a token for what its probability is under the trainer over that
                    under the sampler; None: no weights
    beta: weight of the KL divergence   kl_clamp: bound of its size at a token; None: no bound
    stops: ids that end a completion. If given, a completion without one of them at its end (a
           truncated one) is not trained on
    """

    ratio: str = "token"
    surrogate: str = "clip"
    aggregate: str = "sequence-mean"
    low: float = EPSILON
    high: float = EPSILON
    constant: int = 1
    importance_cap: float | None = None
    beta: float = 0.0
    kl_clamp: float | None = None
    stops: tuple[int, ...] = ()


def objective_of(config: GrpoConfig, stops: list[int]) -> Objective:
    """The objective of a variant. What its advantages are: evals/rollouts/advantages.py

    grpo     arXiv:2402.03300, equation 3: every completion has the same weight
    dr-grpo  arXiv:2503.20783: no division by a completion's length
    dapo     arXiv:2503.14476: every token has the same weight; a larger upper clip (clip-higher)
    gspo     arXiv:2507.18071, equation 5: the ratio is the whole completion's
    cispo    arXiv:2506.13585, equation 4: a token is never dropped, its weight is bounded
    rloo     arXiv:2402.14740: the tokens of a completion are summed
    """
    aggregate, low, high = {
        "grpo": ("sequence-mean", EPSILON, None),
        "dr-grpo": ("constant", EPSILON, None),
        "dapo": ("token-mean", EPSILON, DAPO_HIGH),
        "gspo": ("sequence-mean", GSPO_LOW, GSPO_HIGH),
        "cispo": ("token-mean", 1.0, CISPO_HIGH),
        "rloo": ("sequence-sum", EPSILON, None),
    }[config.variant]
    low = config.epsilon or low
    return Objective(
        ratio="sequence" if config.variant == "gspo" else "token",
        surrogate="weight" if config.variant == "cispo" else "clip",
        aggregate=aggregate,
        low=low,
        high=config.epsilon_high or high or low,
        constant=config.max_tokens,
        importance_cap=config.importance_cap or None,
        beta=config.beta,
        kl_clamp=config.kl_clamp,
        stops=tuple(stops) if config.mask_truncated else (),
    )


def ended(ids: jax.Array, mask: jax.Array, stops: tuple[int, ...]) -> jax.Array:
    """Whether the last token of each row is one of `stops`.

    ids, mask: [batch, completion]   returns: [batch]  bool
    """
    last = jnp.maximum(mask.sum(axis=-1) - 1, 0)
    token = jnp.take_along_axis(ids, last[:, None].astype(jnp.int32), axis=1)[:, 0]
    return jnp.isin(token, jnp.array(stops))


def aggregate(
    values: jax.Array, mask: jax.Array, objective: Objective, by: jax.Array | None = None
) -> jax.Array:
    """One number from `values` [batch, completion] where `mask` is true; 0 if it is true nowhere.

    by: the divisor of a micro-batch, see `policy.with_divisor`; None: the rows are a whole step

    objective.aggregate:
    sequence-mean  mean over tokens of each row, then over the rows that have tokens
    sequence-sum   sum over tokens of each row, then mean over the rows that have tokens
    token-mean     mean over all tokens
    constant       sum over tokens of each row / objective.constant, then mean over all rows
    """
    counts = mask.astype(jnp.float32).sum(axis=-1)
    rows = (values * mask).sum(axis=-1)
    if objective.aggregate == "sequence-mean":
        rows = rows / jnp.maximum(counts, 1)
    if objective.aggregate == "constant":
        rows = rows / objective.constant
    return rows.sum() / (divisor(mask, objective.aggregate) if by is None else by)


def divisor(mask: jax.Array, how: str) -> jax.Array:
    """What `aggregate` divides the sum of its rows by: rows, rows that have tokens, or tokens.

    mask: [batch, completion]   how: as `Objective.aggregate`   returns: []
    """
    counts = mask.astype(jnp.float32).sum(axis=-1)
    if how in ("sequence-mean", "sequence-sum"):
        return jnp.maximum((counts > 0).sum(), 1)
    if how == "token-mean":
        return jnp.maximum(counts.sum(), 1)
    if how == "constant":
        return jnp.asarray(len(mask))
    raise ValueError(
        f"there is no aggregate {how!r}; expected sequence-mean, sequence-sum, token-mean or"
        " constant"
    )
