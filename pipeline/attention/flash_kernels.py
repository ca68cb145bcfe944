"""FlashAttention-2 as Triton kernels (arXiv:2307.08691): blocks of scores stay on the chip.

Each query attends to the keys from `first` to itself, those of padding left out. That one number
holds both a window and the beginning of an example in a packed row, and it never falls along a row;
so a block of queries reads a range of keys only, and a block of keys a range of queries.

In the arrays below `rows` is batch, `heads` is key heads times the queries' heads of each.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

BLOCK = 64  # queries and keys at a time; a row's length is a multiple
QUERIES_BACK = 32  # queries at a time of the kernel that adds up the gradients of keys and values
WARPS, STAGES = 4, 2  # forward; measured on an H100, heads of 256
WARPS_BACK, STAGES_BACK = 8, 1
LOWEST = -1e30  # of a score; no score of a model is as low


class Reach(NamedTuple):
    """Which keys each query attends to; [rows, time]  int32 each."""

    first: jax.Array  # the first key of each query
    last: jax.Array  # the last query that attends to each key; less than the key: none
    present: jax.Array  # 0 for a key that no query attends to


def forward(
    query: jax.Array, key: jax.Array, value: jax.Array, reach: Reach, *, interpret: bool
) -> tuple[jax.Array, jax.Array]:
    """The mixed values, and the logarithm of each query's sum of exponentials.

    query:      [rows, time, kv_heads, group, head_dim]  scaled
    key, value: [rows, time, kv_heads, head_dim]
    returns:    as `query`; [rows, kv_heads, group, time]  float32
    """
    rows, time, kv_heads, group, head_dim = query.shape
    return pl.pallas_call(
        _forward_kernel,
        grid=(time // BLOCK, kv_heads * group, rows),
        in_specs=[
            _of_block(),
            _of_row(time),
            _queries(group, head_dim),
            _row_of_keys(time, group, head_dim),
            _row_of_keys(time, group, head_dim),
        ],
        out_specs=[_queries(group, head_dim), _sums(group)],
        out_shape=[
            jax.ShapeDtypeStruct(query.shape, query.dtype),
            jax.ShapeDtypeStruct((rows, kv_heads, group, time), jnp.float32),
        ],
        compiler_params=triton.CompilerParams(num_warps=WARPS, num_stages=STAGES),
        interpret=interpret,
        name="flash_attention_forward",
    )(reach.first, reach.present, query, key, value)


def _forward_kernel(first_ref, present_ref, q_ref, k_ref, v_ref, out_ref, sums_ref) -> None:
    begin = pl.program_id(0) * BLOCK
    first, queries = first_ref[...], begin + jnp.arange(BLOCK)
    q = q_ref[...]

    def one_block(number, carry):
        mixed, total, peak = carry
        keys = pl.ds(number * BLOCK, BLOCK)
        scores = triton.dot(q, k_ref[keys, :], trans_b=True)
        seen = _seen(first, queries, number * BLOCK, present_ref[keys])
        scores = jnp.where(seen, scores, LOWEST)
        higher = jnp.maximum(peak, scores.max(axis=1))
        # a query that has seen no key yet has the lowest peak, at which no exponential is zero
        weights = jnp.where(seen, jnp.exp(scores - higher[:, None]), 0.0)
        shrunk = jnp.exp(peak - higher)
        values = v_ref[keys, :]
        mixed = mixed * shrunk[:, None] + triton.dot(weights.astype(values.dtype), values)
        return mixed, total * shrunk + weights.sum(axis=1), higher

    nothing = jnp.zeros(q.shape, jnp.float32)
    start = nothing, jnp.zeros(BLOCK, jnp.float32), jnp.full(BLOCK, LOWEST, jnp.float32)
    blocks = jnp.min(first) // BLOCK, pl.program_id(0) + 1
    mixed, total, peak = jax.lax.fori_loop(*blocks, one_block, start)
    total = jnp.where(total > 0, total, 1.0)  # of a query without keys the result is zero
    out_ref[...] = (mixed / total[:, None]).astype(out_ref.dtype)
    sums_ref[...] = peak + jnp.log(total)


def gradients(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    reach: Reach,
    sums: jax.Array,
    d_out: jax.Array,
    along: jax.Array,
    *,
    interpret: bool,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The gradients of query, key and value.

    sums:   [rows, kv_heads, group, time]  float32, of `forward`
    d_out:  [rows, time, kv_heads, group, head_dim]  gradient of the mixed values
    along:  [rows, kv_heads, group, time]  float32, d_out times the mixed values, summed
    """
    rows, time, kv_heads, group, head_dim = query.shape
    of_keys = pl.BlockSpec((None, BLOCK, None, head_dim), lambda t, h, r: (r, t, h, 0))
    whole = pl.BlockSpec((None, time, None, group, head_dim), lambda t, h, r: (r, 0, h, 0, 0))
    whole_sums = pl.BlockSpec((None, None, group, time), lambda t, h, r: (r, h, 0, 0))
    params = triton.CompilerParams(num_warps=WARPS_BACK, num_stages=STAGES_BACK)
    d_key, d_value = pl.pallas_call(
        functools.partial(_key_kernel, group=group),
        grid=(time // BLOCK, kv_heads, rows),
        in_specs=[_of_row(time), _of_block(), _of_block(), whole, of_keys, of_keys,
                  whole_sums, whole, whole_sums],
        out_specs=[of_keys, of_keys],
        out_shape=[jax.ShapeDtypeStruct(key.shape, key.dtype)] * 2,
        compiler_params=params,
        interpret=interpret,
        name="flash_attention_key_gradient",
    )(*reach, query, key, value, sums, d_out, along)  # fmt: skip
    queries, keys = _queries(group, head_dim), _row_of_keys(time, group, head_dim)
    d_query = pl.pallas_call(
        _query_kernel,
        grid=(time // BLOCK, kv_heads * group, rows),
        in_specs=[_of_block(), _of_row(time), queries, keys, keys, _sums(group), queries,
                  _sums(group)],
        out_specs=queries,
        out_shape=jax.ShapeDtypeStruct(query.shape, query.dtype),
        compiler_params=params,
        interpret=interpret,
        name="flash_attention_query_gradient",
    )(reach.first, reach.present, query, key, value, sums, d_out, along)  # fmt: skip
    return d_query, d_key, d_value


def _key_kernel(
    first_ref, last_ref, present_ref, q_ref, k_ref, v_ref, sums_ref, d_out_ref, along_ref,
    d_k_ref, d_v_ref, *, group: int,
) -> None:  # fmt: skip
    begin = pl.program_id(0) * BLOCK
    k, v, present = k_ref[...], v_ref[...], present_ref[...]

    def of_head(head, carry):
        def one_block(number, carry):
            d_k, d_v = carry
            rows = pl.ds(number * QUERIES_BACK, QUERIES_BACK)
            queries = number * QUERIES_BACK + jnp.arange(QUERIES_BACK)
            q, d_out = q_ref[rows, head, :], d_out_ref[rows, head, :]
            seen = _seen(first_ref[rows], queries, begin, present)
            scores = triton.dot(q, k, trans_b=True)
            weights = jnp.where(seen, jnp.exp(scores - sums_ref[head, rows][:, None]), 0.0)
            d_v += triton.dot(weights.astype(d_out.dtype), d_out, trans_a=True)
            d_weights = triton.dot(d_out, v, trans_b=True) - along_ref[head, rows][:, None]
            d_scores = (weights * d_weights).astype(q.dtype)
            return d_k + triton.dot(d_scores, q, trans_a=True), d_v

        blocks = begin // QUERIES_BACK, jnp.max(last_ref[...]) // QUERIES_BACK + 1
        return jax.lax.fori_loop(*blocks, one_block, carry)

    zeros = jnp.zeros(k.shape, jnp.float32)
    d_k, d_v = jax.lax.fori_loop(0, group, of_head, (zeros, zeros))
    d_k_ref[...] = d_k.astype(d_k_ref.dtype)
    d_v_ref[...] = d_v.astype(d_v_ref.dtype)


def _query_kernel(
    first_ref, present_ref, q_ref, k_ref, v_ref, sums_ref, d_out_ref, along_ref, d_q_ref
) -> None:
    first = first_ref[...]
    queries = pl.program_id(0) * BLOCK + jnp.arange(BLOCK)
    q, d_out, sums, along = q_ref[...], d_out_ref[...], sums_ref[...], along_ref[...]

    def one_block(number, d_q):
        keys = pl.ds(number * BLOCK, BLOCK)
        k = k_ref[keys, :]
        seen = _seen(first, queries, number * BLOCK, present_ref[keys])
        scores = triton.dot(q, k, trans_b=True)
        weights = jnp.where(seen, jnp.exp(scores - sums[:, None]), 0.0)
        d_weights = triton.dot(d_out, v_ref[keys, :], trans_b=True) - along[:, None]
        return d_q + triton.dot((weights * d_weights).astype(k.dtype), k)

    blocks = jnp.min(first) // BLOCK, pl.program_id(0) + 1
    d_q = jax.lax.fori_loop(*blocks, one_block, jnp.zeros(q.shape, jnp.float32))
    d_q_ref[...] = d_q.astype(d_q_ref.dtype)


def _seen(first: jax.Array, queries: jax.Array, begin, present: jax.Array) -> jax.Array:
    """[queries, keys]: whether each query attends to each of the keys from `begin` on."""
    keys = begin + jnp.arange(present.shape[0])
    in_range = (keys[None] >= first[:, None]) & (keys[None] <= queries[:, None])
    return in_range & (present[None] != 0)


def _of_block() -> pl.BlockSpec:
    return pl.BlockSpec((None, BLOCK), lambda t, h, r: (r, t))


def _of_row(time: int) -> pl.BlockSpec:
    return pl.BlockSpec((None, time), lambda t, h, r: (r, 0))


def _queries(group: int, head_dim: int) -> pl.BlockSpec:
    return pl.BlockSpec(
        (None, BLOCK, None, None, head_dim), lambda t, h, r: (r, t, h // group, h % group, 0)
    )


def _row_of_keys(time: int, group: int, head_dim: int) -> pl.BlockSpec:
    return pl.BlockSpec((None, time, None, head_dim), lambda t, h, r: (r, 0, h // group, 0))


def _sums(group: int) -> pl.BlockSpec:
    return pl.BlockSpec((None, None, None, BLOCK), lambda t, h, r: (r, h // group, h % group, t))
