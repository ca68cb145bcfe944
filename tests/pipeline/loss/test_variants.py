"""The variants of GRPO's objective, on numbers that can be checked by hand."""

import jax.numpy as jnp
import numpy as np
import pytest
from tunix.rl import common

from pipeline.config import VARIANTS, BadConfig, GrpoConfig, changed
from pipeline.loss.variants import Objective, aggregate, ended, objective_of

VALUES = jnp.array([[1.0, 3.0, 9.0], [5.0, 9.0, 9.0], [9.0, 9.0, 9.0]])
MASK = jnp.array([[1, 1, 0], [1, 0, 0], [0, 0, 0]]).astype(bool)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("sequence-mean", (2 + 5) / 2),
        ("sequence-sum", (4 + 5) / 2),
        ("token-mean", 9 / 3),
        ("constant", 9 / 4 / 3),
    ],
)
def test_tokens_are_weighed_as_the_paper_says(how, expected):
    assert float(aggregate(VALUES, MASK, Objective(aggregate=how, constant=4))) == pytest.approx(
        expected
    )


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("sequence-mean", "sequence-mean-token-mean"), ("token-mean", "token-mean")],
)
def test_an_aggregate_that_tunix_has_too_is_tunixs(ours, theirs):
    random = np.random.default_rng(0)
    values = jnp.array(random.normal(size=(5, 7)))
    mask = jnp.array(random.random((5, 7)) < 0.6)
    mean = float(aggregate(values, mask, Objective(aggregate=ours)))
    assert mean == pytest.approx(float(common.aggregate_loss(values, mask, theirs)), rel=1e-5)


def test_nothing_to_learn_from_is_no_nan():
    nothing = jnp.zeros_like(MASK)
    for how in ("sequence-mean", "sequence-sum", "token-mean", "constant"):
        assert float(aggregate(VALUES, nothing, Objective(aggregate=how))) == 0.0


def test_a_truncated_completion_differs_from_one_that_ended():
    ids = jnp.array([[7, 1, 0], [7, 8, 9], [106, 0, 0]])
    assert ended(ids, ids != 0, (1, 106)).tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("variant", "ratio", "surrogate", "how", "low", "high"),
    [
        ("grpo", "token", "clip", "sequence-mean", 0.2, 0.2),
        ("dr-grpo", "token", "clip", "constant", 0.2, 0.2),
        ("dapo", "token", "clip", "token-mean", 0.2, 0.28),
        ("gspo", "sequence", "clip", "sequence-mean", 3e-4, 4e-4),
        ("cispo", "token", "weight", "token-mean", 1.0, 4.0),
        ("rloo", "token", "clip", "sequence-sum", 0.2, 0.2),
    ],
)
def test_one_knob_is_a_variant(variant, ratio, surrogate, how, low, high):
    goal = objective_of(GrpoConfig(variant=variant), [1])
    assert (goal.ratio, goal.surrogate, goal.aggregate) == (ratio, surrogate, how)
    assert (goal.low, goal.high, goal.stops) == (low, high, ())


@pytest.mark.parametrize("variant", VARIANTS)
def test_clips_and_the_mask_are_knobs_of_any_variant(variant):
    config = GrpoConfig(variant=variant, epsilon=0.1, epsilon_high=0.4, mask_truncated=True)
    goal = objective_of(config, [1, 106])
    assert (goal.low, goal.high, goal.stops) == (0.1, 0.4, (1, 106))


def test_the_upper_clip_follows_the_lower_one_unless_the_paper_has_its_own():
    highs = [objective_of(GrpoConfig(variant=v, epsilon=0.1), []).high for v in ("grpo", "dapo")]
    assert highs == [0.1, 0.28]


@pytest.mark.parametrize("knob", ["variant", "guard", "scale"])
def test_a_word_that_is_none_of_the_known_ones_is_refused(knob):
    with pytest.raises(BadConfig, match=f"{knob} must be one of .*; got 'ppo'"):
        changed(GrpoConfig(), **{knob: "ppo"})
