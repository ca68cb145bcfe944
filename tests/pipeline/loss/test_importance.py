"""Probabilities of the sampler beside the trainer's: weights, and how far the two disagree."""

import jax.numpy as jnp
import numpy as np
import pytest

from pipeline.config import GrpoConfig
from pipeline.loss.head import TokenScores
from pipeline.loss.policy import PolicyExample, loss_of_scores
from pipeline.loss.variants import Objective, objective_of

TRAINED = np.log([[0.5, 0.2, 0.4, 0.9]])
SAMPLED = np.log([[0.5, 0.19, 0.1, 1.0]])
MASK = np.array([[True, True, True, False]])
RATIOS = [1, 0.2 / 0.19, 4]


def loss(cap: float | None, sampled: np.ndarray | None = SAMPLED, old=None, advantage: float = 1.0):
    given = PolicyExample(  # type: ignore[call-arg]
        prompt_ids=jnp.zeros((1, 1), int),
        completion_ids=jnp.zeros((1, 4), int),
        completion_mask=jnp.asarray(MASK),
        advantages=jnp.asarray([advantage]),
        ref_per_token_logps=None,
        old_per_token_logps=old,
        sampled_logps=None if sampled is None else jnp.asarray(sampled),
    )
    scores = TokenScores(jnp.asarray(TRAINED), jnp.zeros((1, 4)))
    return loss_of_scores(scores, given, Objective(importance_cap=cap))


@pytest.mark.parametrize(("cap", "largest"), [(2.0, 2), (10.0, 4)])
def test_a_token_weighs_what_the_trainer_gives_it_over_the_sampler_up_to_the_cap(cap, largest):
    value, means = loss(cap)
    assert float(value) == pytest.approx(-np.mean([*RATIOS[:2], largest]), rel=1e-5)
    assert float(means["capped"]) == pytest.approx((cap == 2.0) / 3)


def test_without_a_cap_every_token_weighs_the_same_and_the_mismatch_is_logged():
    value, means = loss(None)
    assert float(value) == pytest.approx(-1)
    assert float(means["capped"]) == 0
    assert float(means["mismatch_tokens"]) == pytest.approx(2 / 3)
    k3 = np.mean([ratio - 1 - np.log(ratio) for ratio in RATIOS])
    assert float(means["mismatch"]) == pytest.approx(k3, rel=1e-4)


def test_where_both_agree_nothing_changes():
    value, means = loss(2.0, sampled=TRAINED)
    plain, _ = loss(2.0, sampled=None)
    assert float(value) == pytest.approx(float(plain)) == pytest.approx(-1)
    assert float(means["mismatch"]) == pytest.approx(0, abs=1e-6)


def test_after_an_update_the_weight_is_of_the_policy_before_it():
    old = np.log([[0.5, 0.19, 0.2, 0.9]])
    value, _ = loss(10.0, old=jnp.asarray(old))
    # ratios to the old policy are 1, 1.05 and 2 (clipped to 1.2); the old policy's to the sampler
    # 1, 1 and 2
    assert float(value) == pytest.approx(-np.mean([1, 0.2 / 0.19, 1.2 * 2]), rel=1e-4)


def test_what_a_padded_position_has_in_it_changes_no_number():
    far = SAMPLED.copy()
    far[0, 3] = 0.0
    with np.errstate(all="raise"):
        for one, two in zip(loss(2.0)[1].values(), loss(2.0, sampled=far)[1].values(), strict=True):
            assert float(one) == float(two)


def test_the_cap_is_a_knob_that_0_turns_off():
    assert objective_of(GrpoConfig(), []).importance_cap == 2.0
    assert objective_of(GrpoConfig(importance_cap=0), []).importance_cap is None
