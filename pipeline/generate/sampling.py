"""The next token of every row: temperature, top-k, top-p and min-p per row.

The settings are values, not constants, so changing them compiles nothing. A row's token depends on
its logits, settings, seed and position in the completion, and on no other row.

The vocabulary is never sorted. The few tokens that a small k leaves are found by one pass over the
row; a larger k, and the nucleus of all tokens, by bisection over the 32 bits of a float.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from pipeline.generate.requests import Request

FEW = 64  # the largest k that one pass over the row is enough for
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
    top_k = jnp.asarray(settings.top_k)
    few = sampled & (top_k > 0) & (top_k <= FEW)
    temperature = jnp.where(sampled, settings.temperature, 1.0)[:, None]
    tokens = jnp.argmax(logits, axis=-1).astype(jnp.int32)
    # each is computed only if some row needs it; a row's result is the same either way
    for rows, draw in ((few, _drawn_of_few), (sampled & ~few, _drawn)):
        tokens = jax.lax.cond(
            rows.any(),
            lambda rows=rows, draw=draw, tokens=tokens: jnp.where(
                rows, draw(logits / temperature, settings, position), tokens
            ),
            lambda tokens=tokens: tokens,
        )

    def log_probability() -> jax.Array:
        warm = logits / temperature
        return _chosen(warm, tokens) - jax.nn.logsumexp(warm, axis=-1)

    logp = jax.lax.cond(
        jnp.asarray(settings.logprobs).any(),
        log_probability,
        lambda: jnp.zeros(tokens.shape, jnp.float32),
    )
    return tokens, logp


def _chosen(values: jax.Array, tokens: jax.Array) -> jax.Array:
    return jnp.take_along_axis(values, tokens[:, None], axis=-1)[:, 0]


def _gumbel(settings: Settings, position: jax.Array, n: int) -> jax.Array:
    """[rows, n] of noise, by seed and position; the largest sum of logit and noise is a draw."""

    def noise(key: jax.Array, at: jax.Array) -> jax.Array:
        folded = jax.random.fold_in(jax.random.wrap_key_data(key, impl=KEYS), at)
        return jax.random.gumbel(folded, (n,))

    return jax.vmap(noise)(jnp.asarray(settings.key), position)


def _drawn(warm: jax.Array, settings: Settings, position: jax.Array) -> jax.Array:
    """One token a row from softmax(warm) after truncation."""
    truncates = settings.top_k > 0
    truncates |= (settings.top_p < 1) | (settings.min_p > 0)
    truncates &= settings.temperature > 0
    logits = jax.lax.cond(truncates.any(), lambda: truncated(warm, settings), lambda: warm)
    noise = _gumbel(settings, position, warm.shape[1])
    return jnp.argmax(logits + noise, axis=-1).astype(jnp.int32)


def _drawn_of_few(warm: jax.Array, settings: Settings, position: jax.Array) -> jax.Array:
    """The same for rows whose top-k is FEW or less: only their likeliest tokens get noise."""
    logits, ids = few_likeliest(warm, settings)
    best = jnp.argmax(logits + _gumbel(settings, position, logits.shape[1]), axis=-1)
    return jnp.take_along_axis(ids, best[:, None], axis=1)[:, 0]


def few_likeliest(logits: jax.Array, settings: Settings) -> tuple[jax.Array, jax.Array]:
    """The FEW largest logits and their ids, -inf for tokens that `truncated` would remove.

    logits: [rows, vocab]   returns: [rows, FEW]; [rows, FEW]  int32

    Of tokens that tie with the last one kept, those among the FEW stay.
    """
    values, ids = largest(logits, FEW)
    most = values.shape[1]

    def at_least(count: jax.Array) -> jax.Array:
        """Which are as large as the last of the first `count` [rows, 1]."""
        last = jnp.clip(count, 1, most) - 1
        return values >= jnp.take_along_axis(values, last, axis=1)

    keep = at_least(jnp.asarray(settings.top_k)[:, None])
    weight = jnp.where(keep, jnp.exp(values - values[:, :1]), 0.0)
    top_p = jnp.asarray(settings.top_p)[:, None]
    before = jnp.cumsum(weight, axis=1) - weight
    needed = before < top_p * weight.sum(axis=1, keepdims=True)
    keep &= (top_p >= 1) | at_least(needed.sum(axis=1, keepdims=True))
    keep &= values >= values[:, :1] + jnp.log(jnp.asarray(settings.min_p)[:, None])
    return jnp.where(keep, values, -jnp.inf), ids


def truncated(logits: jax.Array, settings: Settings) -> jax.Array:
    """`logits` [rows, vocab] with -inf for tokens removed by top-k, then top-p, then min-p.

    top-k keeps the k likeliest tokens, and those that tie with the last of them. top-p
    (arXiv:1904.09751) keeps the fewest of the remaining tokens whose share is p or more, and ties.
    min-p (arXiv:2407.01082) keeps tokens at least min_p times as likely as the likeliest.
    """
    top_k = jnp.asarray(settings.top_k)[:, None]
    ordered = _ordered(logits)
    ones = jnp.ones(logits.shape, jnp.int32)
    # a search reads the logits 32 times, so it is skipped if no row needs it
    keep = jax.lax.cond(
        (top_k > 0).any(),
        lambda: (top_k == 0) | (ordered >= _threshold(ordered, ones, jnp.maximum(top_k, 1))),
        lambda: jnp.ones(logits.shape, bool),
    )

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


def largest(values: jax.Array, most: int) -> tuple[jax.Array, jax.Array]:
    """The `most` largest of each row, descending, and their columns; all of a shorter row.

    One pass over `values`: they lie in the `most` groups whose maxima are largest. What is in no
    such group is at most its own group's maximum, so at most each of `most` others.

    values: [rows, n]   returns: [rows, most]; [rows, most]  int32
    """
    columns = jnp.broadcast_to(jnp.arange(values.shape[1], dtype=jnp.int32), values.shape)
    for size in GROUPS:
        if values.shape[1] <= 2 * most * size:
            continue
        missing = ((0, 0), (0, -values.shape[1] % size))
        groups = jnp.pad(values, missing, constant_values=-jnp.inf).reshape(len(values), -1, size)
        _, chosen = jax.lax.top_k(groups.max(axis=-1), most)

        def of_groups(array: jax.Array, chosen: jax.Array = chosen, size: int = size) -> jax.Array:
            grouped = array.reshape(len(array), -1, size)
            return jnp.take_along_axis(grouped, chosen[..., None], axis=1).reshape(len(array), -1)

        values = of_groups(groups)
        columns = of_groups(jnp.pad(columns, missing))
    best, at = jax.lax.top_k(values, min(most, values.shape[1]))
    return best, jnp.take_along_axis(columns, at, axis=1)


def _ordered(values: jax.Array) -> jax.Array:
    """float32 as uint32 of the same order."""
    bits = jax.lax.bitcast_convert_type(values + 0.0, jnp.uint32)  # -0.0 becomes 0.0
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
