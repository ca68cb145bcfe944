"""Losses through chunks of the vocabulary's head: the same numbers, without a batch's logits."""

import dataclasses
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy.special import log_softmax
from tunix.rl import common
from tunix.sft.peft_trainer import _default_loss_fn
from tunix.sft.utils import build_positions_from_mask, make_causal_attn_mask

from pipeline.loss import head, sft_loss
from pipeline.model import TINY, add_adapters, gemma3
from tests.support.policy_examples import (  # fmt: skip
    COMPLETION,
    PAD,
    TEMPERATURE,
    differentiated,
    example,
    ours,
    policy_of_one_layer,
    same_gradient,
    theirs,
)


@pytest.fixture(scope="module")
def policy():
    return policy_of_one_layer()


def alone(loss, policy):
    def losses(model, given):
        value, more = loss(model, given)
        return [value], more

    return differentiated(losses, policy)


@pytest.mark.parametrize("old", [False, True], ids=["on policy", "clipped"])
def test_the_policy_loss_is_tunixs_in_value_gradient_and_what_is_logged(policy, old):
    given = example(old=old)
    (loss, means, gradient), (same, aux, expected) = (
        alone(loss, policy)(given) for loss in (ours, theirs)
    )
    assert float(loss[0]) == pytest.approx(float(same[0]), rel=1e-5)
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
    ids = np.asarray(example(old=False).completion_ids)
    present = ids != PAD
    given = {"ids": ids, "segments": present}
    given["completion"] = present & (np.arange(COMPLETION) >= 6)
    (loss, _, gradient), (same, _, expected) = (
        alone(loss, policy)(given) for loss in (sft_of_ours, sft_of_theirs)
    )
    assert float(loss[0]) == pytest.approx(float(same[0]), rel=1e-5)
    same_gradient(gradient, expected)


scored = jax.jit(head.score, static_argnames=("temperature", "logits_bytes"))


@pytest.mark.parametrize("positions", [1, 8, 36, 1_000])
def test_scores_do_not_depend_on_how_many_logits_exist_at_one_time(positions):
    random = np.random.default_rng(0)
    hidden, matrix = random.standard_normal((3, 13, 5)), random.standard_normal((11, 5))
    targets = random.integers(0, 11, (3, 13))
    logp = log_softmax(hidden @ matrix.T / 0.7, axis=-1)
    scores = scored(hidden, matrix, targets, temperature=0.7, logits_bytes=positions * 11 * 4)
    expected = np.take_along_axis(logp, targets[..., None], axis=-1)[..., 0]
    np.testing.assert_allclose(scores.logp, expected, atol=1e-5)
    np.testing.assert_allclose(scores.entropy, -(np.exp(logp) * logp).sum(axis=-1), atol=1e-5)


def test_a_model_that_knows_nothing_pays_log_vocabulary_and_has_its_entropy():
    scores = scored(np.zeros((2, 5, 3)), np.ones((7, 3)), np.zeros((2, 5), int))
    np.testing.assert_allclose(scores.logp, -np.log(7), rtol=1e-6)
    np.testing.assert_allclose(scores.entropy, np.log(7), rtol=1e-6)


def test_the_reference_is_scored_as_tunix_scores_it(policy):
    given = example(old=False)
    scores = head.scores_of(
        policy, given.prompt_ids, given.completion_ids, pad=PAD, temperature=TEMPERATURE
    )
    expected = common.compute_per_token_logps(
        *nnx.split(policy), given.prompt_ids, given.completion_ids, PAD, 1, temperature=TEMPERATURE
    )
    np.testing.assert_allclose(scores.logp, expected, atol=1e-4)


LENGTH, VOCABULARY = 1_024, 32_768
LOGITS = 2 * LENGTH * VOCABULARY * 4  # bytes of the logits of two rows


@pytest.fixture(scope="module")
def wide():
    """A model of one layer and one head with a large vocabulary, and few bytes for logits."""
    config = gemma3.architecture(TINY, "float32")
    small: dict[str, Any] = {"num_layers": 1, "num_heads": 1, "num_kv_heads": 1}
    small["layer_types"] = config.layer_types[:1]
    config = dataclasses.replace(config, **small, num_embed=VOCABULARY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(head, "LOGITS_BYTES", LOGITS // 8)
        yield gemma3.abstract(config)  # compiled only


def bytes_needed(compiled) -> int:
    return compiled.memory_analysis().temp_size_in_bytes


def bytes_of(loss, model, given) -> int:
    """What the gradient of `loss` for a few weights needs beside its arguments, as compiled."""
    graph, scales, rest = nnx.split(model, nnx.PathContains("scale"), ...)

    def value(scales, rest, given):
        return loss(nnx.merge(graph, scales, rest), given)[0]

    return bytes_needed(jax.jit(jax.grad(value)).lower(scales, rest, given).compile())


def test_sft_never_holds_the_logits_of_a_batch(wide):
    ids = np.ones((2, LENGTH), int)
    given = {"ids": ids, "completion": ids == 1, "segments": ids == 1}
    assert bytes_of(sft_of_ours, wide, given) < LOGITS / 2 < bytes_of(sft_of_theirs, wide, given)


def test_grpo_never_holds_the_logits_of_a_batch(wide):
    ids = np.ones((2, LENGTH), int)
    given = example(old=False)._replace(
        prompt_ids=ids[:, :8],
        completion_ids=ids,
        completion_mask=ids == 1,
        advantages=np.ones(2),
        ref_per_token_logps=np.zeros(ids.shape),
    )
    assert bytes_of(ours, wide, given) < LOGITS / 2 < bytes_of(theirs, wide, given)


def test_the_reference_never_holds_the_logits_of_a_batch(wide):
    ids = np.ones((2, LENGTH), int)
    graph, state = nnx.split(wide)

    def logp(state):
        scores = head.completion_scores(
            nnx.merge(graph, state),
            jnp.asarray(ids[:, :8]),
            jnp.asarray(ids),
            pad=PAD,
            temperature=TEMPERATURE,
        )
        return scores.logp

    compiled = jax.jit(logp).lower(state).compile()
    assert bytes_needed(compiled) < LOGITS / 2


def test_the_logits_in_memory_are_those_of_the_chip_with_adapters_too(few):
    """The number travels with the model: as loaded, with adapters, and as preflight builds it."""
    start = gemma3.load(str(few), logits_bytes=4 * 640 * 8)  # of 8 positions
    adapted = add_adapters(start.model, rank=2, alpha=2.0, seed=0, mesh=start.mesh)
    config = gemma3.architecture(few, "float32")
    for model in (start.model, adapted, gemma3.abstract(config, logits_bytes=4 * 640 * 8)):
        graph, state = nnx.split(model)

        def logp(state, ids, graph=graph):
            merged = nnx.merge(graph, state)
            return head.completion_scores(merged, ids, ids, pad=PAD, temperature=1.0).logp

        traced = jax.make_jaxpr(logp)(state, jax.ShapeDtypeStruct((2, 40), jnp.int32))
        scans = re.findall(r"\blength=(\d+)", str(traced))
        assert scans == ["10"]  # 40 positions of two rows, four at a time
