"""Log-probability and entropy of given tokens, computed a few positions at a time.

The vocabulary of Gemma 3 has 262,144 tokens, so the float32 logits of one position take 1 MiB.
The head is applied to chunks of positions, and recomputed chunk by chunk in the backward pass.
"""

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
    chunks = -(-time // width)
    padding = ((0, 0), (0, chunks * width - time))

    def split(array: jax.Array) -> jax.Array:
        """[batch, time, ...] -> [chunks, batch, width, ...]: the batch stays one axis."""
        array = jnp.pad(array, padding + ((0, 0),) * (array.ndim - 2))
        return jnp.moveaxis(array.reshape(batch, chunks, width, *array.shape[2:]), 1, 0)

    @jax.checkpoint
    def chunk(part: tuple[jax.Array, jax.Array]) -> TokenScores:
        states, tokens = part
        logits = jnp.einsum("btf,vf->btv", states, head, preferred_element_type=jnp.float32)
        logits = logits / temperature
        total = jax.nn.logsumexp(logits, axis=-1)
        chosen = jnp.take_along_axis(logits, tokens[..., None], axis=-1)[..., 0]
        # entropy = logsumexp - mean logit
        constant, level = jax.lax.stop_gradient((logits, total))
        mean = (jnp.exp(constant - level[..., None]) * constant).sum(axis=-1)
        return TokenScores(chosen - total, level - mean)

    scores = jax.lax.map(chunk, (split(hidden), split(targets)))
    return TokenScores(
        *(jnp.moveaxis(s, 0, 1).reshape(batch, chunks * width)[:, :time] for s in scores)
    )


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
