"""The losses of pairs: each is its paper's formula, in numbers computed by hand."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from tunix.rl import common
from tunix.sft.dpo import dpo_trainer

from pipeline.config import BadConfig, DpoConfig
from pipeline.loss.preference import (
    CompletionScores,
    completion_logps_program,
    loss_of_logps,
    preference_loss,
    preference_objective,
)
from pipeline.train.tunix import OF_PAIRS, OF_REFERENCE

# one pair: log-probabilities and tokens of the chosen and of the rejected completion
POLICY = CompletionScores(jnp.array([-2.0, -3.0]), jnp.array([4.0, 2.0]))
REFERENCE = jnp.array([-2.5, -2.0])


def loss(**knobs) -> float:
    value, _ = loss_of_logps(POLICY, REFERENCE, preference_objective(DpoConfig(**knobs)))
    return float(value)


def means(**knobs) -> dict[str, float]:
    _, values = loss_of_logps(POLICY, REFERENCE, preference_objective(DpoConfig(**knobs)))
    return {name: round(float(value), 5) for name, value in values.items()}


@pytest.mark.parametrize(
    ("knobs", "expected"),
    [
        # the ratios are +0.5 and -1.0: -log sigmoid(0.1 * 1.5)
        ({}, 0.620957),
        ({"beta": 0.5}, 0.386871),  # -log sigmoid(0.75)
        ({"label_smoothing": 0.1}, 0.635957),  # 0.9 * 0.620957 + 0.1 * 0.770957
        ({"length_normalised": True}, 0.662386),  # -log sigmoid(0.1 * (0.5 / 4 + 1.0 / 2))
        ({"nll_weight": 1.0}, 1.120957),  # + 2 / 4
        ({"loss": "ipo"}, 12.25),  # (1.5 - 1 / (2 * 0.1))^2
        ({"loss": "ipo", "length_normalised": True}, 19.140625),  # (0.625 - 5)^2
        # odds of e^-0.5 and of e^-1.5: 1.541494 and 0.287220; 0.5 + 0.1 * -log sigmoid(1.680259)
        ({"loss": "orpo"}, 0.517086),
        ({"loss": "orpo", "label_smoothing": 0.1}, 0.533889),  # 0.1 * (0.170861 + 0.1 * 1.680259)
    ],
)
def test_a_loss_is_that_of_its_paper(knobs, expected):
    assert loss(**knobs) == pytest.approx(expected, abs=1e-6)


def test_equal_models_have_the_loss_of_a_coin():
    same = CompletionScores(REFERENCE, POLICY.tokens)
    value, values = loss_of_logps(same, REFERENCE, preference_objective(DpoConfig()))
    assert float(value) == pytest.approx(np.log(2))
    assert (float(values["rewards/accuracy"]), float(values["kl"])) == (0.0, 0.0)


def test_what_is_logged_is_by_pair_and_by_token():
    assert means() == {
        "rewards/chosen": 0.05,
        "rewards/rejected": -0.1,
        "rewards/margin": 0.15,
        "rewards/accuracy": 1.0,
        "log_probs/chosen": -0.5,
        "log_probs/rejected": -1.5,
        "change/chosen": 0.125,
        "change/rejected": -0.5,
        "kl": 0.08333,  # (-4.5 + 5.0) / 6 tokens
    }
    assert means(loss="orpo").keys() == set(OF_PAIRS)
    assert means(loss="orpo").keys() == means().keys() - set(OF_REFERENCE)


def test_orpo_has_no_infinite_odds_or_gradients():
    certain = jnp.zeros(2)

    def of(logp):
        objective = preference_objective(DpoConfig(loss="orpo"))
        return loss_of_logps(CompletionScores(logp, POLICY.tokens), certain, objective)[0]

    value, gradient = jax.value_and_grad(of)(certain)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


@pytest.fixture(scope="module")
def batch():
    """Two pairs of one prompt length, in rows of 16 tokens, and in the form that Tunix takes."""
    rng = np.random.default_rng(0)
    ids = rng.integers(5, 60, (4, 16)).astype(np.int32)
    lengths = np.array([16, 12, 14, 16])
    present = np.arange(16) < lengths[:, None]
    completion = present & (np.arange(16) >= 6)
    return np.where(present, ids, 0), completion, present


def test_the_loss_and_its_gradient_are_those_of_tunix(pair, batch):
    ids, completion, present = batch
    ours, dense = pair
    reference = np.array([-30.0, -25.0, -28.0, -33.0], np.float32)
    build: Any = dpo_trainer.TrainExample  # flax generates its __init__
    example = build(
        input_ids=ids,
        positions=common.build_positions_from_mask(present),
        attention_mask=common.make_causal_attn_mask(present),
        ref_chosen_logps=reference[:2],
        ref_rejected_logps=reference[2:],
        completion_mask=completion[:, 6:],
        logits_to_keep=10,
    )
    objective = preference_objective(DpoConfig(label_smoothing=0.1))

    def of_tunix(model):
        return dpo_trainer.dpo_loss_fn(model, example, beta=0.1, label_smoothing=0.1)

    def of_ours(model):
        segments = present.astype(np.int32)
        return preference_loss(model, ids, completion, segments, jnp.array(reference), objective)

    lora = nnx.DiffState(0, nnx.LoRAParam)
    results = [
        nnx.jit(lambda m, f=f: nnx.value_and_grad(f, argnums=lora, has_aux=True)(m))(model)
        for f, model in ((of_ours, ours), (of_tunix, dense))
    ]
    (value, values), gradient = results[0]
    (expected, expected_values), expected_gradient = results[1]
    assert float(value) == pytest.approx(float(expected), rel=1e-5)
    for name in ("rewards/chosen", "rewards/margin", "rewards/accuracy"):
        assert float(values[name]) == pytest.approx(float(expected_values[name]), rel=1e-4)
    leaves = zip(jax.tree.leaves(gradient), jax.tree.leaves(expected_gradient), strict=True)
    for one, other in leaves:
        assert np.abs(other).max() > 0
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_prompts_and_padding_do_not_count(pair, batch):
    ids, completion, present = batch
    program, weights = completion_logps_program(pair[0])
    segments = present.astype(np.int32)
    scores = program(weights, ids, completion, segments)
    assert scores.tokens.tolist() == completion.sum(axis=1).tolist()
    fewer = program(weights, ids, completion & (np.arange(16) < 8), segments)
    assert (np.asarray(fewer.logp) > np.asarray(scores.logp)).all()  # fewer tokens are likelier
    none = program(weights, ids, completion & False, segments)
    assert none.logp.tolist() == [0.0] * 4


@pytest.mark.parametrize(
    "knobs",
    [
        {"label_smoothing": 0.5},
        {"loss": "ipo", "label_smoothing": 0.1},
        {"loss": "orpo", "nll_weight": 1.0},
        {"loss": "sft"},
        {"beta": 0.0},
        {"samples": 1},
        {"margin": 1.5},
    ],
)
def test_knobs_that_make_no_loss_are_refused(knobs):
    with pytest.raises(BadConfig, match=list(knobs)[-1]):
        DpoConfig(**knobs)
