"""Probabilities of the sampler beside the trainer's: weights, and how far the two disagree."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pipeline.config import VARIANTS, GrpoConfig
from pipeline.loss.head import TokenScores
from pipeline.loss.policy import PolicyExample, loss_of_scores
from pipeline.loss.variants import Objective, objective_of

TRAINED = np.log([[0.5, 0.2, 0.4, 0.9]])
SAMPLED = np.log([[0.5, 0.19, 0.1, 1.0]])
MASK = np.array([[True, True, True, False]])
RATIOS = [1, 0.2 / 0.19, 4]


def given(
    sampled: np.ndarray | None = SAMPLED, old: jax.Array | None = None, advantage: float = 1.0
) -> tuple[TokenScores, PolicyExample]:
    example = PolicyExample(  # type: ignore[call-arg]
        prompt_ids=jnp.zeros((1, 1), int),
        completion_ids=jnp.zeros((1, 4), int),
        completion_mask=jnp.asarray(MASK),
        advantages=jnp.asarray([advantage]),
        ref_per_token_logps=None,
        old_per_token_logps=old,
        sampled_logps=None if sampled is None else jnp.asarray(sampled),
    )
    return TokenScores(jnp.asarray(TRAINED), jnp.zeros((1, 4))), example


def loss(cap: float | None, sampled: np.ndarray | None = SAMPLED, old: jax.Array | None = None):
    return loss_of_scores(*given(sampled, old), Objective(importance_cap=cap))


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
    far[0, 3] = -5.0
    (value, means), (other, same) = loss(2.0), loss(2.0, sampled=far)
    assert float(value) == float(other)
    assert {name: float(mean) for name, mean in means.items()} == {
        name: float(mean) for name, mean in same.items()
    }


def test_a_completions_weight_is_the_mean_of_its_tokens_ratios_where_the_objective_is_of_it():
    goal = Objective(importance_cap=1.4, ratio="sequence")
    mean = np.exp(np.mean(np.log(RATIOS)))
    assert mean > 1.4
    value, means = loss_of_scores(*given(), goal)
    assert float(value) == pytest.approx(-1.4, rel=1e-5)
    assert float(means["capped"]) == 1
    value, _ = loss_of_scores(*given(), Objective(importance_cap=3.0, ratio="sequence"))
    assert float(value) == pytest.approx(-mean, rel=1e-5)


OLD = np.log([[0.5, 0.15, 0.3, 0.9]])  # the ratios are 1, 1.33 and 1.33


@pytest.mark.parametrize("advantage", [1.0, -2.0])
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_gradient_of_each_variant_is_its_papers(variant, advantage):
    """Of the three tokens' log-probabilities: what is stopped or clipped has none."""
    config = GrpoConfig(variant=variant, beta=0.0, max_tokens=8, importance_cap=0)
    goal = objective_of(config, [])

    def value(logp):
        scores, example = given(old=jnp.asarray(OLD), advantage=advantage)
        return loss_of_scores(scores._replace(logp=logp), example, goal)[0]

    gradient = np.asarray(jax.grad(value)(jnp.asarray(TRAINED, jnp.float32)))[0]
    ratios = np.exp(TRAINED - OLD)[0, :3]
    of_ratio = ratios * advantage  # of an unclipped ratio
    beyond = np.abs(ratios - 1) > 0.2  # with a negative advantage the larger one counts
    clipped = np.where(beyond & (advantage > 0), 0, of_ratio)
    expected = {
        "grpo": clipped / 3,
        "dapo": np.where((ratios > 1.28) & (advantage > 0), 0, of_ratio) / 3,
        "dr-grpo": clipped / 8,
        "rloo": clipped,
        "gspo": np.full(3, 0 if advantage > 0 else np.prod(ratios) ** (1 / 3) * advantage / 3),
        "cispo": of_ratio / 3,  # below the bound of 5: the weight itself has no gradient
    }[variant]
    assert gradient[:3] == pytest.approx(-expected, rel=1e-4)
    assert gradient[3] == 0


def test_the_cap_is_a_knob_that_0_turns_off():
    assert objective_of(GrpoConfig(), []).importance_cap == 2.0
    assert objective_of(GrpoConfig(importance_cap=0), []).importance_cap is None
