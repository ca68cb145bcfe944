"""Losses through chunks of the vocabulary's head: the same numbers, without a batch's logits."""

import dataclasses

import jax
import jax.numpy as jnp
import pytest
from flax import nnx
from tunix.models.gemma3.model import Gemma3
from tunix.rl import common
from tunix.sft.peft_trainer import _default_loss_fn
from tunix.sft.utils import build_positions_from_mask, make_causal_attn_mask

from pipeline.loss import head, sft_loss
from pipeline.model import TINY, gemma3
from tests.support.policy_examples import (  # fmt: skip
    COMPLETION,
    PAD,
    TEMPERATURE,
    called,
    differentiated,
    example,
    ours,
    policy_of_two_layers,
    same_gradient,
    theirs,
)


@pytest.fixture(scope="module")
def policy():
    return policy_of_two_layers()


@pytest.mark.parametrize("old", [False, True], ids=["on policy", "clipped"])
def test_the_policy_loss_is_tunixs_in_value_gradient_and_what_is_logged(policy, old):
    given = example(old=old)
    (loss, means), gradient = called(*differentiated(ours, policy, given))
    (same, aux), expected = called(*differentiated(theirs, policy, given))
    assert float(loss) == pytest.approx(float(same), rel=1e-5)
    assert float(means["pg_clipfrac"]) == pytest.approx(float(aux["pg_clipfrac"]), rel=1e-4)
    assert (float(means["pg_clipfrac"]) > 0) == old
    same_gradient(gradient, expected)


def sft_of_ours(model, given):
    return sft_loss(model, **given), None


def sft_of_theirs(model, given):
    mask = make_causal_attn_mask(given["segments"])
    positions = build_positions_from_mask(given["segments"])
    loss = _default_loss_fn(model, given["ids"], given["completion"], positions, mask)
    return jnp.asarray(loss), None


def test_the_sft_loss_is_tunixs_in_value_and_gradient(policy):
    ids = example(old=False).completion_ids
    present = ids != PAD
    given = {"ids": ids, "segments": present}
    given["completion"] = present & (jnp.arange(COMPLETION) >= 6)
    (loss, _), gradient = called(*differentiated(sft_of_ours, policy, given))
    (same, _), expected = called(*differentiated(sft_of_theirs, policy, given))
    assert float(loss) == pytest.approx(float(same), rel=1e-5)
    same_gradient(gradient, expected)


@pytest.mark.parametrize("positions", [1, 8, 36, 1_000])
def test_scores_do_not_depend_on_how_many_logits_exist_at_one_time(positions):
    keys = jax.random.split(jax.random.key(0), 3)
    hidden, matrix = jax.random.normal(keys[0], (3, 13, 5)), jax.random.normal(keys[1], (11, 5))
    targets = jax.random.randint(keys[2], (3, 13), 0, 11)
    logp = jax.nn.log_softmax(hidden @ matrix.T / 0.7)
    scores = head.score(hidden, matrix, targets, temperature=0.7, logits_bytes=positions * 11 * 4)
    expected = jnp.take_along_axis(logp, targets[..., None], axis=-1)[..., 0]
    assert jnp.allclose(scores.logp, expected, atol=1e-5)
    assert jnp.allclose(scores.entropy, -(jnp.exp(logp) * logp).sum(axis=-1), atol=1e-5)


def test_a_model_that_knows_nothing_pays_log_vocabulary_and_has_its_entropy():
    scores = head.score(jnp.zeros((2, 5, 3)), jnp.ones((7, 3)), jnp.zeros((2, 5), int))
    assert jnp.allclose(scores.logp, -jnp.log(7.0))
    assert jnp.allclose(scores.entropy, jnp.log(7.0))


def test_the_reference_is_scored_as_tunix_scores_it(policy):
    given = example(old=False)
    scores = head.scores_of(
        policy, given.prompt_ids, given.completion_ids, pad=PAD, temperature=TEMPERATURE
    )
    expected = common.compute_per_token_logps(
        *nnx.split(policy), given.prompt_ids, given.completion_ids, PAD, 1, temperature=TEMPERATURE
    )
    assert jnp.allclose(scores.logp, expected, atol=1e-4)


LENGTH, VOCABULARY = 1_024, 32_768
LOGITS = 2 * LENGTH * VOCABULARY * 4  # bytes of the logits of two rows


@pytest.fixture(scope="module")
def wide():
    """A model of one layer and one head with a large vocabulary, and few bytes for logits."""
    config = gemma3.architecture(TINY, "float32")
    small = {"num_layers": 1, "num_heads": 1, "num_kv_heads": 1}
    config = dataclasses.replace(config, **small, num_embed=VOCABULARY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(head, "LOGITS_BYTES", LOGITS // 8)
        yield Gemma3(config, rngs=nnx.Rngs(0))


def bytes_needed(compiled) -> int:
    return compiled.memory_analysis().temp_size_in_bytes


def bytes_of(loss, model, given) -> int:
    """What the gradient of `loss` for a few weights needs beside its arguments, as compiled."""
    compiled, _ = differentiated(loss, model, given, wrt=nnx.PathContains("scale"))
    return bytes_needed(compiled)


def test_sft_never_holds_the_logits_of_a_batch(wide):
    ids = jnp.ones((2, LENGTH), dtype=int)
    given = {"ids": ids, "completion": ids == 1, "segments": ids == 1}
    assert bytes_of(sft_of_ours, wide, given) < LOGITS / 2 < bytes_of(sft_of_theirs, wide, given)


def test_grpo_never_holds_the_logits_of_a_batch(wide):
    ids = jnp.ones((2, LENGTH), dtype=int)
    given = example(old=False)._replace(
        prompt_ids=ids[:, :8],
        completion_ids=ids,
        completion_mask=ids == 1,
        advantages=jnp.ones(2),
        ref_per_token_logps=jnp.zeros(ids.shape),
    )
    assert bytes_of(ours, wide, given) < LOGITS / 2 < bytes_of(theirs, wide, given)


def test_the_reference_never_holds_the_logits_of_a_batch(wide):
    ids = jnp.ones((2, LENGTH), dtype=int)
    graph, state = nnx.split(wide)

    def logp(state):
        scores = head.completion_scores(
            nnx.merge(graph, state), ids[:, :8], ids, pad=PAD, temperature=TEMPERATURE
        )
        return scores.logp

    compiled = jax.jit(logp).lower(state).compile()
    assert bytes_needed(compiled) < LOGITS / 2
