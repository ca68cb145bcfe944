"""What a model thinks of given tokens, a few positions at a time: never all logits at once.

The vocabulary of Gemma 3 has 262,144 tokens, so the logits of one position fill a MiB. Here the
head is applied to chunks of positions, and recomputed chunk by chunk in the backward pass.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from pipeline.config import LOGITS_BYTES


class TokenScores(NamedTuple):
    """Of each token, given those before it."""

    logp: jax.Array  # [batch, time]  float32, nats
    entropy: jax.Array  # [batch, time]  float32, nats; of the distribution, without a gradient


def hidden_states(
    model: nnx.Module, ids: jax.Array, positions: jax.Array, mask: jax.Array
) -> jax.Array:
    """What the head of `model` would see: [batch, time, features].

    The model is called whole, so that its adapters take part. It notes its last hidden states on
    the way; nothing reads the logits that follow, so the compiler leaves them out.

    ids, positions: [batch, time]   mask: see `attention.positions_and_mask`
    """
    copy = nnx.merge(*nnx.split(model))  # the note stays off the caller's model
    copy(ids, positions, None, mask, output_hidden_states=True)  # type: ignore[operator]
    return vars(copy)["all_hidden_states"].get_value()[-1]


def score(
    hidden: jax.Array,
    head: jax.Array,
    targets: jax.Array,
    *,
    temperature: float = 1.0,
    room: int = 0,
) -> TokenScores:
    """Log-probability of `targets`, and entropy, under softmax(hidden · head / temperature).

    hidden: [batch, time, features]   head: [vocab, features]   targets: [batch, time]
    room:   bytes of logits at one time; 0: LOGITS_BYTES
    """
    batch, time = targets.shape
    at_once = (room or LOGITS_BYTES) // (4 * head.shape[0])  # positions
    width = max(1, min(time, at_once // batch))
    pieces = -(-time // width)
    filled = ((0, 0), (0, pieces * width - time))

    def split(array: jax.Array) -> jax.Array:
        """[batch, time, ...] -> [pieces, batch, width, ...]: the batch stays one axis."""
        array = jnp.pad(array, filled + ((0, 0),) * (array.ndim - 2))
        return jnp.moveaxis(array.reshape(batch, pieces, width, *array.shape[2:]), 1, 0)

    @jax.checkpoint
    def piece(part: tuple[jax.Array, jax.Array]) -> TokenScores:
        states, wanted = part
        logits = jnp.einsum("btf,vf->btv", states, head, preferred_element_type=jnp.float32)
        logits = logits / temperature
        total = jax.nn.logsumexp(logits, axis=-1)
        chosen = jnp.take_along_axis(logits, wanted[..., None], axis=-1)[..., 0]
        fixed, level = jax.lax.stop_gradient((logits, total))
        mean = (jnp.exp(fixed - level[..., None]) * fixed).sum(axis=-1)
        return TokenScores(chosen - total, level - mean)

    scores = jax.lax.map(piece, (split(hidden), split(targets)))
    return TokenScores(
        *(jnp.moveaxis(s, 0, 1).reshape(batch, pieces * width)[:, :time] for s in scores)
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
    """Scores of the last `last` tokens of every row of `ids`; at most all but the first.

    ids, positions: [batch, time]   mask: see `attention.positions_and_mask`
    """
    hidden = hidden_states(model, ids, positions, mask)[:, -last - 1 : -1]
    head = model.embedder.input_embedding[...]  # type: ignore[attr-defined]  # tied, as Gemma's
    return score(hidden, head, ids[:, -last:], temperature=temperature)
