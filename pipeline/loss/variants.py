"""The objective of each GRPO variant: scale of advantages, average over tokens, clipping, KL."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from pipeline.config import GrpoConfig

DAPO_HIGH = 0.28  # arXiv:2503.14476, section 4.1


@dataclass(frozen=True)
class Objective:
    """What the policy loss computes.

    advantage: name of Tunix's advantage estimator   aggregate: see `aggregate`
    low, high: the ratio of probabilities is clipped to 1 - low and 1 + high
    constant: number of tokens that a row is divided by where `aggregate` is "constant"
    beta: weight of the KL divergence   kl_clamp: bound of its size at a token; None: no bound
    stops: ids that end a completion. If given, a completion without one of them at its end (a
           truncated one) is not trained on
    """

    advantage: str = "grpo"
    aggregate: str = "sequence-mean"
    low: float = 0.2
    high: float = 0.2
    constant: int = 1
    beta: float = 0.0
    kl_clamp: float | None = None
    stops: tuple[int, ...] = ()


def objective_of(config: GrpoConfig, stops: list[int]) -> Objective:
    """The objective of a variant.

    grpo     arXiv:2402.03300, equation 3: advantages over the group's standard deviation; every
             completion has the same weight
    dr-grpo  arXiv:2503.20783: no division by the standard deviation or by a completion's length
    dapo     arXiv:2503.14476: every token has the same weight; a larger upper clip (clip-higher)
    rloo     arXiv:2402.14740: baseline is the mean reward of the rest of the group; the tokens of
             a completion are summed
    """
    high = config.epsilon_high or (DAPO_HIGH if config.variant == "dapo" else config.epsilon)
    advantage, aggregate = {
        "grpo": ("grpo", "sequence-mean"),
        "dr-grpo": ("drgrpo", "constant"),
        "dapo": ("grpo", "token-mean"),
        "rloo": ("rloo", "sequence-sum"),
    }[config.variant]
    return Objective(
        advantage=advantage,
        aggregate=aggregate,
        low=config.epsilon,
        high=high,
        constant=config.max_tokens,
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
