"""Log-probability and entropy of given tokens, computed a few positions at a time.

The vocabulary of Gemma 3 has 262,144 tokens, so the float32 logits of one position take 1 MiB.
The head is applied to chunks of positions, and recomputed chunk by chunk in the backward pass.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from pipeline.attention import positions_and_mask
from pipeline.config import LOGITS_BYTES
from pipeline.model import ProgramCache


class TokenScores(NamedTuple):
    """Scores of each token, given the tokens before it."""

    logp: jax.Array  # [batch, time]  float32, nats
    entropy: jax.Array  # [batch, time]  float32, nats; of the distribution; no gradient


def hidden_states(
    model: nnx.Module, ids: jax.Array, positions: jax.Array, mask: jax.Array
) -> jax.Array:
    """The input of the head of `model`: [batch, time, features].

    The whole model is called, so that all adapters take part. It stores its last hidden states;
    nothing reads the logits that it computes from them, so the compiler removes these.

    ids, positions: [batch, time]   mask: see `attention.positions_and_mask`
    """
    copy = nnx.merge(*nnx.split(model))  # so that the caller's model stores nothing
    copy(ids, positions, None, mask, output_hidden_states=True)  # type: ignore[operator]
    return vars(copy)["all_hidden_states"].get_value()[-1]


def score(
    hidden: jax.Array,
    head: jax.Array,
    targets: jax.Array,
    *,
    temperature: float = 1.0,
    logits_bytes: int = 0,
) -> TokenScores:
    """Log-probability of `targets`, and entropy, under softmax(hidden · head / temperature).

    hidden: [batch, time, features]   head: [vocab, features]   targets: [batch, time]
    logits_bytes: logits in memory at one time [bytes]; 0: LOGITS_BYTES
    """
    batch, time = targets.shape
    positions = (logits_bytes or LOGITS_BYTES) // (4 * head.shape[0])
    width = max(1, min(time, positions // batch))
    scores: tuple[jax.Array, jax.Array] = _scores(hidden, head, targets, temperature, width)
    return TokenScores(*scores)


@functools.partial(jax.custom_vjp, nondiff_argnums=(3, 4))
def _scores(hidden, head, targets, temperature: float, width: int) -> tuple[jax.Array, jax.Array]:
    """`score`, `width` positions of each row at a time. Its gradient is written out.

    Derived by JAX it would pass over each chunk's logits about twice as often, and multiply them in
    float32 with a head in bfloat16. A head that is trained itself costs more: its logits are
    computed once more.
    """
    return _scores_and_totals(hidden, head, targets, temperature, width)[0]


def _scores_and_totals(hidden, head, targets, temperature: float, width: int):
    """Log-probability and entropy, and what they need in the backward pass."""

    def chunk(part: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array, jax.Array]:
        states, tokens = part
        logits = _logits(states, head, temperature)
        total = jax.nn.logsumexp(logits, axis=-1)
        chosen = jnp.take_along_axis(logits, tokens[..., None], axis=-1)[..., 0]
        # entropy = logsumexp - mean logit
        mean = (jnp.exp(logits - total[..., None]) * logits).sum(axis=-1)
        return chosen - total, total - mean, total

    scores = jax.lax.map(chunk, (_split(hidden, width), _split(targets, width)))
    logp, entropy, total = (_joined(score, targets.shape[1]) for score in scores)
    return (logp, entropy), (hidden, head, targets, total)


def _gradient_of_scores(temperature: float, width: int, residuals, gradients):
    """With d = gradient of logp: d (one-hot(target) - softmax) / temperature, for the logits.

    They are rounded to the head's type, as the logits of a model in bfloat16 are. The entropy has
    no gradient.
    """
    hidden, head, targets, total = residuals
    parts = [_split(array, width) for array in (hidden, targets, total, gradients[0])]

    def of_logits(part) -> jax.Array:
        states, tokens, level, d_logp = part
        share = jnp.exp(_logits(states, head, temperature) - level[..., None])
        is_target = jnp.arange(head.shape[0]) == tokens[..., None]
        scale = (d_logp / temperature)[..., None]
        return ((is_target - share) * scale).astype(head.dtype)

    def of_hidden(part) -> jax.Array:
        product = jnp.einsum(
            "btv,vf->btf", of_logits(part), head, preferred_element_type=jnp.float32
        )
        return product.astype(hidden.dtype)

    def of_head(sums: jax.Array, part) -> tuple[jax.Array, None]:
        d_logits = of_logits(part)
        product = jnp.einsum("btv,btf->vf", d_logits, part[0], preferred_element_type=jnp.float32)
        return sums + product, None

    d_hidden = _joined(jax.lax.map(of_hidden, parts), targets.shape[1])
    # a loop of its own, which the compiler leaves out where the head is not trained
    d_head, _ = jax.lax.scan(of_head, jnp.zeros(head.shape, jnp.float32), parts)
    return d_hidden, d_head.astype(head.dtype), None


_scores.defvjp(_scores_and_totals, _gradient_of_scores)


def _logits(states: jax.Array, head: jax.Array, temperature: float) -> jax.Array:
    """[batch, width, vocab]  float32"""
    logits = jnp.einsum("btf,vf->btv", states, head, preferred_element_type=jnp.float32)
    return logits / temperature


def _split(array: jax.Array, width: int) -> jax.Array:
    """[batch, time, ...] -> [chunks, batch, width, ...]: the batch stays one axis."""
    batch, time = array.shape[:2]
    chunks = -(-time // width)
    padding = ((0, 0), (0, chunks * width - time)) + ((0, 0),) * (array.ndim - 2)
    chunked = jnp.pad(array, padding).reshape(batch, chunks, width, *array.shape[2:])
    return jnp.moveaxis(chunked, 1, 0)


def _joined(chunks: jax.Array, time: int) -> jax.Array:
    """[chunks, batch, width, ...] -> [batch, time, ...]"""
    whole = jnp.moveaxis(chunks, 0, 1)
    return whole.reshape(len(whole), -1, *whole.shape[3:])[:, :time]


def token_scores(
    model: nnx.Module,
    ids: jax.Array,
    positions: jax.Array,
    mask: jax.Array,
    *,
    last: int,
    temperature: float = 1.0,
) -> TokenScores:
    """Scores of the last `last` tokens of each row of `ids`; `last` is less than the length.

    ids, positions: [batch, time]   mask: see `attention.positions_and_mask`
    """
    hidden = hidden_states(model, ids, positions, mask)[:, -last - 1 : -1]
    head = model.embedder.input_embedding[...]  # type: ignore[attr-defined]  # tied, as Gemma's
    logits_bytes = vars(model).get("logits_bytes", 0)  # as `gemma3.load` sets it
    return score(hidden, head, ids[:, -last:], temperature=temperature, logits_bytes=logits_bytes)


def completion_scores(
    model: nnx.Module, prompts: jax.Array, completions: jax.Array, *, pad: int, temperature: float
) -> TokenScores:
    """Scores of the tokens of `completions` [batch, completion] after `prompts` [batch, prompt]."""
    ids = jnp.concatenate([prompts, completions], axis=1)
    positions, mask = positions_and_mask(model, ids != pad)
    last = completions.shape[1]
    return token_scores(model, ids, positions, mask, last=last, temperature=temperature)


def scores_of(
    model: nnx.Module, prompts: jax.Array, completions: jax.Array, *, pad: int, temperature: float
) -> TokenScores:
    """`completion_scores`, compiled. The model and its arrays do not change."""
    program, weights = scores_program(model, pad=pad, temperature=temperature)
    return program(weights, prompts, completions)


_PROGRAMS: ProgramCache[Any] = ProgramCache()  # jitted functions


def scores_program(model: nnx.Module, *, pad: int, temperature: float) -> tuple[Any, nnx.State]:
    """The jitted function of (weights, prompts, completions), and the weights of `model`.

    It reads the weights and returns the scores only. `nnx.jit` returns the whole model too, and a
    program writes all that it returns: each call would copy the weights, so that a reference that
    shares them with the policy would have its own, 2 GiB more for Gemma 3 1B.
    """
    graph, weights = nnx.split(model)

    def scores(weights: Any, prompts: jax.Array, completions: jax.Array) -> TokenScores:
        merged = nnx.merge(graph, weights)
        return completion_scores(merged, prompts, completions, pad=pad, temperature=temperature)

    return _PROGRAMS.get([graph, pad, temperature], lambda: jax.jit(scores)), weights


def masked_mean(values: jax.Array, mask: jax.Array) -> jax.Array:
    """Mean of `values` where `mask` is true; 0 if it is true nowhere."""
    counts = mask.astype(jnp.float32)
    return (values * counts).sum() / jnp.maximum(counts.sum(), 1.0)
