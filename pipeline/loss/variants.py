"""What GRPO maximises, by variant: how advantages are scaled, tokens averaged, ratios clipped."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from pipeline.config import GrpoConfig

DAPO_HIGH = 0.28  # arXiv:2503.14476, section 4.1


@dataclass(frozen=True)
class Objective:
    """advantage: the name of Tunix's estimator   aggregate: one of AGGREGATES

    constant: completion tokens that `constant` divides a row by
    stops: ids that end a completion; given, one that ends with none of them is not learned from
    """

    advantage: str = "grpo"
    aggregate: str = "sequence-mean"
    low: float = 0.2
    high: float = 0.2
    constant: int = 1
    stops: tuple[int, ...] = ()


def objective_of(config: GrpoConfig, stops: list[int]) -> Objective:
    """The objective of a variant.

    grpo     arXiv:2402.03300, equation 3: in units of the group's spread; rows count alike
    dr-grpo  arXiv:2503.20783: without the spread, and without the length of a row
    dapo     arXiv:2503.14476: tokens count alike, and likelier tokens may gain more (clip-higher)
    rloo     arXiv:2402.14740: against the mean of the others of the group; a row counts as a whole
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
        stops=tuple(stops) if config.mask_truncated else (),
    )


def ended(ids: jax.Array, mask: jax.Array, stops: tuple[int, ...]) -> jax.Array:
    """Whether each row's last token is one of `stops`.

    ids, mask: [batch, completion]   returns: [batch]  bool
    """
    last = jnp.maximum(mask.sum(axis=-1) - 1, 0)
    written = jnp.take_along_axis(ids, last[:, None].astype(jnp.int32), axis=1)[:, 0]
    return jnp.isin(written, jnp.array(stops))


def aggregate(
    values: jax.Array,
    mask: jax.Array,
    how: str,
    constant: int = 1,
    by: jax.Array | None = None,
) -> jax.Array:
    """One number from `values` [batch, completion] where `mask` is true; 0 where it is nowhere.

    by: what is divided by last, where the rows are a part of more; else their own `divisor`

    sequence-mean  mean over tokens in each row, then over the rows that have any
    sequence-sum   sum over tokens in each row, then the mean over the rows that have any
    token-mean     mean over all tokens
    constant       sum over tokens in each row by `constant`, then the mean over all rows
    """
    counts = mask.astype(jnp.float32).sum(axis=-1)
    rows = (values * mask).sum(axis=-1)
    if how == "sequence-mean":
        rows = rows / jnp.maximum(counts, 1)
    if how == "constant":
        rows = rows / constant
    return rows.sum() / (divisor(mask, how) if by is None else by)


def divisor(mask: jax.Array, how: str) -> jax.Array:
    """What `aggregate` divides the sum of its rows by: rows, rows that have any token, or tokens.

    mask: [batch, completion]   returns: []
    """
    counts = mask.astype(jnp.float32).sum(axis=-1)
    if how in ("sequence-mean", "sequence-sum"):
        return jnp.maximum((counts > 0).sum(), 1)
    if how == "token-mean":
        return jnp.maximum(counts.sum(), 1)
    if how == "constant":
        return jnp.asarray(len(mask))
    raise ValueError(f"tokens cannot be aggregated by {how!r}")
