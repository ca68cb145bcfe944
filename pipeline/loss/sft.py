"""The loss of SFT: cross-entropy over the completions."""

import jax
from flax import nnx

from pipeline.attention import positions_and_mask
from pipeline.loss.head import masked_mean, token_scores


def sft_loss(
    model: nnx.Module, ids: jax.Array, completion: jax.Array, segments: jax.Array
) -> jax.Array:
    """Mean cross-entropy over the completions [nats per token]. Prompt tokens do not count.

    Each example is scored as if it had a row of its own, also where several share one.

    ids:        [batch, time]  int
    completion: [batch, time]  bool, true at a completion's tokens and its stop token
    segments:   [batch, time]  int or bool: examples of a row are numbered from 1, padding is 0
    returns:    []             float32
    """
    positions, mask = positions_and_mask(model, segments)
    logp = token_scores(model, ids, positions, mask, last=ids.shape[1] - 1).logp
    # the first token of an example has no predecessor in its segment, so it is not scored
    same_segment = segments[:, 1:] == segments[:, :-1]
    return -masked_mean(logp, completion[:, 1:] & same_segment)
