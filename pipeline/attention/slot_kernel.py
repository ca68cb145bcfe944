"""Attention of one new token a slot as a Triton kernel, which reads the columns that are filled.

In plain operations each step reads the whole cache, empty columns and free slots included. A long
text is divided among several programs, or too few of them would read at a time (Flash-Decoding).
"""

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

BLOCK = 64  # columns at a time; a layer's length is a multiple
ROWS = 16  # fewest rows of a Triton product; queries are padded to it
PROGRAMS = 256  # enough to keep an H100 busy, which has 132 multiprocessors
WARPS, STAGES = 4, 3
LOWEST = -1e30


def parts_of(slots: int, kv_heads: int, length: int) -> int:
    """Into how many parts the columns are divided."""
    wanted = max(1, PROGRAMS // (slots * kv_heads))
    blocks = length // BLOCK
    return max(n for n in range(1, blocks + 1) if n <= wanted and blocks % n == 0)


def attend_slots(
    query: jax.Array, key: jax.Array, value: jax.Array, filled: jax.Array, *, interpret: bool
) -> jax.Array:
    """softmax(query · key) · value over the first `filled` columns of each slot; 0: zero.

    query:      [slots, kv_heads, group, head_dim]  scaled; `group` heads share a key
    key, value: [slots, kv_heads, length, head_dim]
    filled:     [slots]  int32
    returns:    [slots, kv_heads, group, head_dim]
    """
    slots, kv_heads, group, head_dim = query.shape
    length = key.shape[2]
    parts = parts_of(slots, kv_heads, length)
    rows = -(-group // ROWS) * ROWS
    query = jnp.pad(query, ((0, 0), (0, 0), (0, rows - group), (0, 0)))
    of_slot = pl.BlockSpec((None, None, rows, head_dim), lambda s, h, p: (s, h, 0, 0))
    of_part = pl.BlockSpec((None, None, length // parts, head_dim), lambda s, h, p: (s, h, p, 0))
    mixed, sums = pl.pallas_call(
        _kernel,
        grid=(slots, kv_heads, parts),
        in_specs=[pl.BlockSpec((1,), lambda s, h, p: (s,)), of_slot, of_part, of_part],
        out_specs=[
            pl.BlockSpec((None, None, None, rows, head_dim), lambda s, h, p: (s, h, p, 0, 0)),
            pl.BlockSpec((None, None, None, rows), lambda s, h, p: (s, h, p, 0)),
        ],
        out_shape=[
            jax.ShapeDtypeStruct((slots, kv_heads, parts, rows, head_dim), jnp.float32),
            jax.ShapeDtypeStruct((slots, kv_heads, parts, rows), jnp.float32),
        ],
        compiler_params=triton.CompilerParams(num_warps=WARPS, num_stages=STAGES),
        interpret=interpret,
        name="slot_attention",
    )(filled, query, key, value)
    shares = jax.nn.softmax(sums[..., :group], axis=2)
    return (mixed[..., :group, :] * shares[..., None]).sum(axis=2).astype(value.dtype)


def _kernel(filled_ref, q_ref, k_ref, v_ref, out_ref, sums_ref) -> None:
    columns_here, _ = k_ref.shape
    begin = pl.program_id(2) * columns_here
    here = jnp.clip(filled_ref[0] - begin, 0, columns_here)
    q = q_ref[...]

    def one_block(number, carry):
        mixed, total, peak = carry
        columns = pl.ds(number * BLOCK, BLOCK)
        scores = triton.dot(q, k_ref[columns, :], trans_b=True)
        seen = (number * BLOCK + jnp.arange(BLOCK) < here)[None]
        scores = jnp.where(seen, scores, LOWEST)
        higher = jnp.maximum(peak, scores.max(axis=1))
        weights = jnp.exp(scores - higher[:, None])  # of every block some column is filled
        shrunk = jnp.exp(peak - higher)
        values = v_ref[columns, :]
        mixed = mixed * shrunk[:, None] + triton.dot(weights.astype(values.dtype), values)
        return mixed, total * shrunk + weights.sum(axis=1), higher

    rows = q.shape[0]
    start = (
        jnp.zeros(q.shape, jnp.float32),
        jnp.zeros(rows, jnp.float32),
        jnp.full(rows, LOWEST, jnp.float32),
    )
    mixed, total, peak = jax.lax.fori_loop(0, (here + BLOCK - 1) // BLOCK, one_block, start)
    total = jnp.where(total > 0, total, 1.0)
    out_ref[...] = mixed / total[:, None]
    sums_ref[...] = peak + jnp.log(total)
