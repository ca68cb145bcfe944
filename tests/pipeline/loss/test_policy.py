"""GRPO's loss in its variants: the papers' formulas, in one piece or in several."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tunix.rl.grpo.grpo_learner import TrainExample

from pipeline.config import VARIANTS, GrpoConfig
from pipeline.loss import policy as losses
from pipeline.loss.variants import objective_of
from pipeline.train import guards, tunix
from pipeline.train.metrics import StoreMetrics
from tests.support.policy_examples import (  # fmt: skip
    ALGORITHM,
    COMPLETION,
    PAD,
    TEMPERATURE,
    Example,
    called,
    differentiated,
    example,
    ours,
    policy_of_two_layers,
    same_gradient,
    theirs,
)

Step: Any = TrainExample  # flax makes its __init__


@pytest.fixture(scope="module")
def policy():
    return policy_of_two_layers()


def test_the_kl_that_is_told_is_not_clamped_and_passes_the_guards_limit(policy, store):
    far = example(old=False)
    far = far._replace(ref_per_token_logps=far.ref_per_token_logps + 1)
    unclamped = tunix.algorithm(GrpoConfig(beta=0.3, epsilon=0.1, kl_clamp=1e9))
    vars(unclamped)["temperature"] = TEMPERATURE
    _, means = ours(policy, far)
    _, aux = theirs(policy, far, unclamped)
    assert float(means["kl"]) == pytest.approx(float(aux["kl"]), rel=1e-4)
    assert 0 < float(means["kl_clamped"]) < 1
    metrics = StoreMetrics(store, "grpo-x")
    for step in range(1, guards.WINDOW + 1):
        metrics.note(step, "actor/train/kl", float(means["kl"]))
    assert [sign.name for sign in guards.signs(metrics.series, heldout=8)] == ["KL"]


@pytest.mark.parametrize(
    ("variant", "mask_truncated"),
    [("grpo", True), ("dr-grpo", True), ("dapo", False), ("dapo", True)],
)
def test_a_step_in_pieces_has_the_gradient_of_the_whole_step(policy, variant, mask_truncated):
    given = example(old=True)
    empty = jnp.zeros_like(given.prompt_ids, dtype=bool)
    whole = Step(prompt_mask=empty, **given._asdict())
    stop = int(given.completion_ids[0, -1])  # of one row in the first piece; the others are cut off
    config = GrpoConfig(variant=variant, mask_truncated=mask_truncated, max_tokens=COMPLETION)
    objective = objective_of(config, [stop, int(given.completion_ids[2, COMPLETION - 15])])

    def loss(model, given):
        return losses.policy_loss(
            model, given, ALGORITHM, pad=PAD, temperature=TEMPERATURE, objective=objective
        )

    _, expected = called(*differentiated(loss, policy, whole))
    ready = losses.piece_of(whole, objective, pieces=2)
    halves = [jax.tree.map(lambda a, at=at: a[at : at + 2], ready) for at in (0, 2)]
    compiled, arguments = differentiated(loss, policy, halves[0])
    gradients = [compiled(arguments[0], half)[1] for half in halves]
    same_gradient(jax.tree.map(lambda *parts: sum(parts) / 2, *gradients), expected)


def by_hand(logp, given: Example, config: GrpoConfig, stops: list[int]) -> float:
    """The loss by the papers' formulas, a token at a time."""
    high = config.epsilon_high or (0.28 if config.variant == "dapo" else config.epsilon)
    rows: list[list[float]] = []
    for row, ids in enumerate(np.asarray(given.completion_ids)):
        present = [place for place in range(COMPLETION) if ids[place] != PAD]
        if config.mask_truncated and (not present or ids[present[-1]] not in stops):
            present = []
        values = []
        for place in present:
            ratio = np.exp(logp[row, place] - given.old_per_token_logps[row, place])  # type: ignore[index]
            push = float(given.advantages[row])
            gain = min(ratio * push, np.clip(ratio, 1 - config.epsilon, 1 + high) * push)
            away = given.ref_per_token_logps[row, place] - logp[row, place]
            values.append(-gain + config.beta * min(np.exp(away) - away - 1, config.kl_clamp))
        rows.append(values)
    some = [values for values in rows if values]
    return float({
        "grpo": lambda: np.mean([np.mean(values) for values in some]),
        "dr-grpo": lambda: sum(map(sum, rows)) / config.max_tokens / len(rows),
        "dapo": lambda: np.mean(np.concatenate(some)),
        "rloo": lambda: sum(map(sum, some)) / len(some),
    }[config.variant]())  # fmt: skip


@pytest.mark.parametrize("mask_truncated", [False, True])
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_loss_of_each_variant_is_its_papers_formula(policy, variant, mask_truncated):
    given = example(old=True)
    config = GrpoConfig(variant=variant, mask_truncated=mask_truncated, beta=0.3, epsilon=0.1,
                        max_tokens=COMPLETION)  # fmt: skip
    stops = [int(given.completion_ids[0, -1]), int(given.completion_ids[2, COMPLETION - 15])]
    ids = given.prompt_ids, given.completion_ids
    logp = losses.completion_scores(policy, *ids, pad=PAD, temperature=TEMPERATURE).logp
    loss, _ = losses.policy_loss(
        policy, given, tunix.algorithm(config), pad=PAD, temperature=TEMPERATURE,  # type: ignore[arg-type]
        objective=objective_of(config, stops),
    )  # fmt: skip
    assert float(loss) == pytest.approx(by_hand(np.asarray(logp), given, config, stops), rel=1e-4)


def test_a_completion_that_is_its_stop_token_alone_is_learned_from(policy):
    given = example(old=False)
    only_stop = jnp.where(jnp.arange(COMPLETION) == 0, 106, PAD)[None]
    one = Example(*(part[:1] for part in given[:-1]), None)._replace(  # type: ignore[union-attr]
        completion_ids=only_stop, completion_mask=only_stop != PAD, advantages=jnp.array([-1.0])
    )
    _, gradient = called(*differentiated(ours, policy, one))
    assert max(float(jnp.abs(part).max()) for part in jax.tree.leaves(gradient)) > 0
