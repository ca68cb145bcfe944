"""The next token of every row, each by its own settings, which are values and not constants.

What a row gets depends on its logits, settings, seed and place in the text, and on no other row.
Nothing is sorted: the k-th largest logit and the edge of the nucleus are found by bisection over
the 32 bits of a float, one pass over the row a bit.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from pipeline.generate.requests import Request

KEYS = "threefry2x32"  # named, so that a changed default of JAX changes no text


class Settings(NamedTuple):
    """How each row is sampled; see Sampling. [rows] each."""

    temperature: jax.Array | np.ndarray  # float32, 0: greedy
    top_k: jax.Array | np.ndarray  # int32, 0: all
    top_p: jax.Array | np.ndarray  # float32
    min_p: jax.Array | np.ndarray  # float32
    key: jax.Array | np.ndarray  # [rows, 2] uint32, the halves of the seed
    logprobs: jax.Array | np.ndarray  # bool, whether they are wanted


def settings_of(requests: Sequence[Request], rows: int) -> Settings:
    """The settings of `requests`, then greedy ones up to `rows`."""
    settings = Settings(
        np.zeros(rows, np.float32),
        np.zeros(rows, np.int32),
        np.ones(rows, np.float32),
        np.zeros(rows, np.float32),
        np.zeros((rows, 2), np.uint32),
        np.zeros(rows, bool),
    )
    for row, request in enumerate(requests):
        chosen = request.sampling
        settings.temperature[row] = chosen.temperature
        settings.top_k[row] = chosen.top_k
        settings.top_p[row] = chosen.top_p
        settings.min_p[row] = chosen.min_p
        settings.key[row] = request.seed >> 32, request.seed & 0xFFFFFFFF
        settings.logprobs[row] = request.logprobs
    return settings


def next_tokens(
    logits: jax.Array, settings: Settings, place: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """A token for each row, and its log-probability (0 where no row wants any).

    logits:  [rows, vocab]
    place:   [rows]  int, how many tokens the completion has: what makes each draw another one
    returns: [rows]  int32; [rows]  float32, nats
    """
    logits = logits.astype(jnp.float32)
    sampled = jnp.asarray(settings.temperature) > 0
    warm = logits / jnp.where(sampled, settings.temperature, 1.0)[:, None]
    best = jnp.argmax(logits, axis=-1).astype(jnp.int32)
    # no row pays for what none asks for; each gets the same whether others ask or not
    tokens = jax.lax.cond(
        sampled.any(),
        lambda: jnp.where(sampled, _draw(warm, settings, place), best),
        lambda: best,
    )
    logp = jax.lax.cond(
        jnp.asarray(settings.logprobs).any(),
        lambda: _chosen(warm, tokens) - jax.nn.logsumexp(warm, axis=-1),
        lambda: jnp.zeros(tokens.shape, jnp.float32),
    )
    return tokens, logp


def _chosen(values: jax.Array, tokens: jax.Array) -> jax.Array:
    return jnp.take_along_axis(values, tokens[:, None], axis=-1)[:, 0]


def _draw(warm: jax.Array, settings: Settings, place: jax.Array) -> jax.Array:
    """One token a row from softmax(warm) after truncation, by the Gumbel-max trick."""
    asks = settings.top_k > 0
    asks |= (settings.top_p < 1) | (settings.min_p > 0)
    asks &= settings.temperature > 0
    left = jax.lax.cond(asks.any(), lambda: truncated(warm, settings), lambda: warm)

    def noise(key: jax.Array, at: jax.Array) -> jax.Array:
        own = jax.random.fold_in(jax.random.wrap_key_data(key, impl=KEYS), at)
        return jax.random.gumbel(own, warm.shape[1:])

    return jnp.argmax(left + jax.vmap(noise)(jnp.asarray(settings.key), place), axis=-1).astype(
        jnp.int32
    )


def truncated(logits: jax.Array, settings: Settings) -> jax.Array:
    """`logits` [rows, vocab] with -inf where top-k, top-p and min-p leave a token out, in turn.

    top-k keeps the k likeliest tokens, and those that tie with the last of them. top-p
    (arXiv:1904.09751) keeps the fewest of what is left whose share of it is p or more, and ties.
    min-p (arXiv:2407.01082) keeps what is at least min_p times as likely as the likeliest.
    """
    top_k = jnp.asarray(settings.top_k)[:, None]
    ordered = _ordered(logits)
    ones = jnp.ones(logits.shape, jnp.int32)
    # what no row asks for is not searched for: each search reads the logits 32 times
    kept = jax.lax.cond(
        (top_k > 0).any(),
        lambda: (top_k == 0) | (ordered >= _least(ordered, ones, jnp.maximum(top_k, 1))),
        lambda: jnp.ones(logits.shape, bool),
    )

    top_p = jnp.asarray(settings.top_p)[:, None]
    peak = logits.max(axis=-1, keepdims=True)

    def nucleus() -> jax.Array:
        weight = jnp.where(kept, jnp.exp(logits - peak), 0.0)
        edge = _least(ordered, weight, top_p * weight.sum(axis=-1, keepdims=True))
        return kept & ((top_p >= 1) | (ordered >= edge))

    kept = jax.lax.cond((top_p < 1).any(), nucleus, lambda: kept)

    min_p = jnp.asarray(settings.min_p)[:, None]
    kept &= logits >= peak + jnp.log(min_p)
    return jnp.where(kept, logits, -jnp.inf)


def _ordered(values: jax.Array) -> jax.Array:
    """float32 as uint32 of the same order."""
    bits = jax.lax.bitcast_convert_type(values, jnp.uint32)
    return jnp.where(bits >> 31 == 1, ~bits, bits | jnp.uint32(1 << 31))


def _least(ordered: jax.Array, weight: jax.Array, wanted: jax.Array) -> jax.Array:
    """The largest value at or above which the weights of a row sum to `wanted` or more.

    ordered: [rows, vocab]  uint32   weight: [rows, vocab]   wanted: [rows, 1], at most their sum
    returns: [rows, 1]      uint32
    """

    def bit(number: jax.Array, found: jax.Array) -> jax.Array:
        tried = found | (jnp.uint32(1 << 31) >> number.astype(jnp.uint32))
        above = jnp.where(ordered >= tried, weight, jnp.zeros((), weight.dtype))
        return jnp.where(above.sum(axis=-1, keepdims=True) >= wanted, tried, found)

    return jax.lax.fori_loop(0, 32, bit, jnp.zeros_like(ordered[:, :1]))
