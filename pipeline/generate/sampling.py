"""The next token of every row: temperature, top-k, top-p and min-p per row.

The settings are values, not constants, so changing them compiles nothing. A row's token depends on
its logits, settings, seed and position in the completion, and on no other row. The vocabulary is
never sorted: the k-th largest logit is looked for in the groups of tokens with the largest maxima,
and the threshold of the nucleus by bisection over the 32 bits of a float.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from pipeline.generate.requests import Request

FEW = 64  # a k up to it is found by one pass over the row, a larger one by 32
GROUPS = (128, 8)  # tokens of a group, at the first and the second choice
KEYS = "threefry2x32"  # explicit, so that a new default of JAX would not change any text


class Settings(NamedTuple):
    """How each row is sampled; see Sampling. [rows] each."""

    temperature: jax.Array | np.ndarray  # float32, 0: greedy
    top_k: jax.Array | np.ndarray  # int32, 0: all
    top_p: jax.Array | np.ndarray  # float32
    min_p: jax.Array | np.ndarray  # float32
    key: jax.Array | np.ndarray  # [rows, 2] uint32, the halves of the seed
    logprobs: jax.Array | np.ndarray  # bool, whether to compute them


def settings_of(requests: Sequence[Request], rows: int) -> Settings:
    """The settings of `requests`, padded with greedy ones to `rows`."""
    settings = Settings(
        np.zeros(rows, np.float32),
        np.zeros(rows, np.int32),
        np.ones(rows, np.float32),
        np.zeros(rows, np.float32),
        np.zeros((rows, 2), np.uint32),
        np.zeros(rows, bool),
    )
    for row, request in enumerate(requests):
        sampling = request.sampling
        settings.temperature[row] = sampling.temperature
        settings.top_k[row] = sampling.top_k
        settings.top_p[row] = sampling.top_p
        settings.min_p[row] = sampling.min_p
        settings.key[row] = request.seed >> 32, request.seed & 0xFFFFFFFF
        settings.logprobs[row] = request.logprobs
    return settings


def next_tokens(
    logits: jax.Array, settings: Settings, position: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """A token for each row, and its log-probability (0 if no row requests it).

    logits:   [rows, vocab]
    position: [rows]  int, tokens that the completion has so far; makes each draw different
    returns:  [rows]  int32; [rows]  float32, nats
    """
    logits = logits.astype(jnp.float32)
    sampled = jnp.asarray(settings.temperature) > 0
    warm = logits / jnp.where(sampled, settings.temperature, 1.0)[:, None]
    best = jnp.argmax(logits, axis=-1).astype(jnp.int32)
    # computed only if some row needs it; a row's result is the same either way
    tokens = jax.lax.cond(
        sampled.any(),
        lambda: jnp.where(sampled, _draw(warm, settings, position), best),
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


def _draw(warm: jax.Array, settings: Settings, position: jax.Array) -> jax.Array:
    """One token a row from softmax(warm) after truncation, by the Gumbel-max trick."""
    truncates = settings.top_k > 0
    truncates |= (settings.top_p < 1) | (settings.min_p > 0)
    truncates &= settings.temperature > 0
    logits = jax.lax.cond(truncates.any(), lambda: truncated(warm, settings), lambda: warm)

    def noise(key: jax.Array, at: jax.Array) -> jax.Array:
        folded = jax.random.fold_in(jax.random.wrap_key_data(key, impl=KEYS), at)
        return jax.random.gumbel(folded, warm.shape[1:])

    gumbel = jax.vmap(noise)(jnp.asarray(settings.key), position)
    return jnp.argmax(logits + gumbel, axis=-1).astype(jnp.int32)


def truncated(logits: jax.Array, settings: Settings) -> jax.Array:
    """`logits` [rows, vocab] with -inf for tokens removed by top-k, then top-p, then min-p.

    top-k keeps the k likeliest tokens, and those that tie with the last of them. top-p
    (arXiv:1904.09751) keeps the fewest of the remaining tokens whose share is p or more, and ties.
    min-p (arXiv:2407.01082) keeps tokens at least min_p times as likely as the likeliest.
    """
    top_k = jnp.asarray(settings.top_k)[:, None]
    ordered = _ordered(logits)
    ones = jnp.ones(logits.shape, jnp.int32)
    at_least_1 = jnp.maximum(top_k, 1)

    def by_groups() -> jax.Array:
        best = largest(logits, FEW)
        return _ordered(jnp.take_along_axis(best, jnp.minimum(at_least_1, best.shape[1]) - 1, 1))

    def of_k() -> jax.Array:
        edge = jax.lax.cond(
            (top_k > FEW).any(), lambda: _threshold(ordered, ones, at_least_1), by_groups
        )
        return (top_k == 0) | (ordered >= edge)

    # skipped if no row needs it
    keep = jax.lax.cond((top_k > 0).any(), of_k, lambda: jnp.ones(logits.shape, bool))

    top_p = jnp.asarray(settings.top_p)[:, None]
    peak = logits.max(axis=-1, keepdims=True)

    def nucleus() -> jax.Array:
        weight = jnp.where(keep, jnp.exp(logits - peak), 0.0)
        edge = _threshold(ordered, weight, top_p * weight.sum(axis=-1, keepdims=True))
        return keep & ((top_p >= 1) | (ordered >= edge))

    keep = jax.lax.cond((top_p < 1).any(), nucleus, lambda: keep)

    min_p = jnp.asarray(settings.min_p)[:, None]
    keep &= logits >= peak + jnp.log(min_p)
    return jnp.where(keep, logits, -jnp.inf)


def largest(values: jax.Array, most: int) -> jax.Array:
    """The `most` largest of each row, descending; all of a shorter row. One pass over `values`.

    They lie in the `most` groups whose maxima are largest: what is in no such group is at most its
    own group's maximum, so at most each of `most` others.

    values: [rows, n]   returns: [rows, most]
    """
    for size in GROUPS:
        if values.shape[1] <= 2 * most * size:
            continue
        missing = -values.shape[1] % size
        values = jnp.pad(values, ((0, 0), (0, missing)), constant_values=-jnp.inf)
        groups = values.reshape(len(values), -1, size)
        _, chosen = jax.lax.top_k(groups.max(axis=-1), most)
        chosen_groups = jnp.take_along_axis(groups, chosen[..., None], axis=1)
        values = chosen_groups.reshape(len(values), -1)
    return jax.lax.top_k(values, min(most, values.shape[1]))[0]


def _ordered(values: jax.Array) -> jax.Array:
    """float32 as uint32 of the same order."""
    bits = jax.lax.bitcast_convert_type(values, jnp.uint32)
    return jnp.where(bits >> 31 == 1, ~bits, bits | jnp.uint32(1 << 31))


def _threshold(ordered: jax.Array, weight: jax.Array, total: jax.Array) -> jax.Array:
    """The largest value such that the weights at or above it sum to `total` or more, per row.

    ordered: [rows, vocab]  uint32   weight: [rows, vocab]   total: [rows, 1], at most their sum
    returns: [rows, 1]      uint32
    """

    def bit(number: jax.Array, threshold: jax.Array) -> jax.Array:
        higher = threshold | (jnp.uint32(1 << 31) >> number.astype(jnp.uint32))
        above = jnp.where(ordered >= higher, weight, jnp.zeros((), weight.dtype))
        return jnp.where(above.sum(axis=-1, keepdims=True) >= total, higher, threshold)

    return jax.lax.fori_loop(0, 32, bit, jnp.zeros_like(ordered[:, :1]))
