"""The variants of GRPO's objective, on numbers that can be checked by hand."""

import jax.numpy as jnp
import numpy as np
import pytest
from tunix.rl import common

from pipeline.config import BadConfig, GrpoConfig, changed
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
    ("variant", "advantage", "how", "high"),
    [
        ("grpo", "grpo", "sequence-mean", 0.2),
        ("dr-grpo", "drgrpo", "constant", 0.2),
        ("dapo", "grpo", "token-mean", 0.28),
        ("rloo", "rloo", "sequence-sum", 0.2),
    ],
)
def test_one_knob_is_a_variant(variant, advantage, how, high):
    goal = objective_of(GrpoConfig(variant=variant), [1])
    assert (goal.advantage, goal.aggregate, goal.high) == (advantage, how, high)
    assert goal.stops == ()


def test_the_upper_clip_and_the_mask_are_knobs_of_any_variant():
    goal = objective_of(GrpoConfig(epsilon_high=0.4, mask_truncated=True), [1, 106])
    assert (goal.low, goal.high, goal.stops) == (0.2, 0.4, (1, 106))


@pytest.mark.parametrize("knob", ["variant", "guard"])
def test_a_word_that_is_none_of_the_known_ones_is_refused(knob):
    with pytest.raises(BadConfig, match=f"{knob} must be one of .*; got 'ppo'"):
        changed(GrpoConfig(), **{knob: "ppo"})
