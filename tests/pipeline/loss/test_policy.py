"""The policy loss in its variants: the papers' formulas, in one batch or in micro-batches."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from tunix.rl import common
from tunix.rl.utils import get_batch_slice

from pipeline.config import VARIANTS, GrpoConfig
from pipeline.loss.head import completion_scores
from pipeline.loss.policy import PolicyExample, kl_divergence, loss_of_scores, with_divisor
from pipeline.loss.variants import objective_of
from pipeline.train import guards, tunix
from pipeline.train.metrics import StoreMetrics
from tests.support.policy_examples import (  # fmt: skip
    COMPLETION,
    CONFIG,
    OBJECTIVE,
    PAD,
    TEMPERATURE,
    Example,
    differentiated,
    example,
    policy_of_one_layer,
    same_gradient,
    theirs,
)

STOPS = [
    int(example(old=True).completion_ids[0, -1]),  # of the first row
    int(example(old=True).completion_ids[2, COMPLETION - 15]),
]  # of the third; others are cut off
CONFIGS = {
    (variant, mask_truncated): replace(
        CONFIG, variant=variant, mask_truncated=mask_truncated, max_tokens=COMPLETION
    )
    for variant in VARIANTS
    for mask_truncated in (False, True)
}
NUMBER = {key: number for number, key in enumerate(CONFIGS)}  # in the losses of `program`
IN_PIECES = [("grpo", True), ("dr-grpo", True), ("dapo", False), ("dapo", True)]


@pytest.fixture(scope="module")
def policy():
    return policy_of_one_layer()


@pytest.fixture(scope="module")
def program(policy):
    """Loss and gradient of IN_PIECES, then of OBJECTIVE; the losses of all, log-probabilities."""

    objectives = [objective_of(config, STOPS) for config in CONFIGS.values()]

    def losses(model, given):
        ids = given.prompt_ids, given.completion_ids
        scores = completion_scores(model, *ids, pad=PAD, temperature=TEMPERATURE)
        results = [loss_of_scores(scores, given, objective)[0] for objective in objectives]
        plain, means = loss_of_scores(scores, given, OBJECTIVE)
        more = means | {"logp": scores.logp, "losses": jnp.stack(results)}
        return [*(results[NUMBER[key]] for key in IN_PIECES), plain], more

    return differentiated(losses, policy)


@pytest.fixture(scope="module")
def whole(program):
    """Of all rows of `example(old=True, sampler=True)`."""
    return program(PolicyExample(**example(old=True, sampler=True)._asdict()))


def test_the_logged_kl_is_not_clamped_and_exceeds_the_limit_of_the_guard(policy, program, store):
    far = example(old=True, sampler=True)
    far = far._replace(ref_per_token_logps=far.ref_per_token_logps + 1)
    unclamped = tunix.algorithm(replace(CONFIG, kl_clamp=1e9))
    means = program(PolicyExample(**far._asdict())).more
    _, aux = nnx.jit(lambda model, given: theirs(model, given, unclamped))(policy, far)
    assert float(means["kl"]) == pytest.approx(float(aux["kl"]), rel=1e-4)
    assert 0 < float(means["kl_clamped"]) < 1
    metrics = StoreMetrics(store, "grpo-x")
    for step in range(1, guards.WINDOW + 1):
        metrics.note(step, "actor/train/kl", float(means["kl"]))
    assert [sign.name for sign in guards.signs(metrics.series, heldout=8)] == ["KL"]


@pytest.mark.parametrize(("variant", "mask_truncated"), IN_PIECES)
def test_micro_batches_have_the_mean_gradient_of_the_whole_step(
    program, whole, variant, mask_truncated
):
    number, config = IN_PIECES.index((variant, mask_truncated)), CONFIGS[variant, mask_truncated]
    step = PolicyExample(**example(old=True, sampler=True)._asdict())
    ready = with_divisor(step, objective_of(config, STOPS), micro_batches=2)
    halves = [get_batch_slice(ready, slice(at, at + 2)) for at in (0, 2)]  # as Tunix does
    gradients = [_of(number, program(half).gradient) for half in halves]
    mean = jax.tree.map(lambda *parts: sum(parts) / 2, *gradients)
    same_gradient(mean, _of(number, whole.gradient))


def _of(number: int, gradient):
    """The gradient of one of the losses."""
    return jax.tree.map(lambda leaf: np.asarray(leaf)[number], gradient)


CLIPS = {"dapo": (0.1, 0.28), "gspo": (0.1, 4e-4), "cispo": (0.1, 4.0)}  # of CONFIG's epsilon


def by_hand(logp, given: Example, config: GrpoConfig, stops: list[int]) -> float:
    """The loss by the papers' formulas, a token at a time."""
    low, high = CLIPS.get(config.variant, (config.epsilon, config.epsilon))
    rows: list[list[float]] = []
    for row, ids in enumerate(np.asarray(given.completion_ids)):
        present = [at for at in range(COMPLETION) if ids[at] != PAD]
        if config.mask_truncated and (not present or ids[present[-1]] not in stops):
            present = []
        away = logp[row] - np.asarray(given.old_per_token_logps)[row]
        ratios = np.exp(away)
        if config.variant == "gspo" and present:
            ratios = np.full(COMPLETION, np.prod(ratios[present]) ** (1 / len(present)))
        push = float(given.advantages[row])
        values = []
        for at in present:
            clipped = np.clip(ratios[at], 1 - low, 1 + high)
            gain = min(ratios[at] * push, clipped * push)
            if config.variant == "cispo":
                gain = clipped * push * logp[row, at]
            if given.sampled_logps is not None:  # the probability before the update over its own
                old = given.old_per_token_logps[row, at]  # type: ignore[index]
                apart = old - given.sampled_logps[row, at]
                if config.variant == "gspo":  # of the completion
                    both = given.old_per_token_logps[row] - given.sampled_logps[row]  # type: ignore[index]
                    apart = np.mean(np.asarray(both)[present])
                gain *= min(np.exp(apart), config.importance_cap)
            from_start = given.ref_per_token_logps[row, at] - logp[row, at]
            kl = np.exp(from_start) - from_start - 1
            values.append(-gain + config.beta * min(kl, config.kl_clamp))
        rows.append(values)
    some = [values for values in rows if values]
    return float({
        "grpo": lambda: np.mean([np.mean(values) for values in some]),
        "gspo": lambda: np.mean([np.mean(values) for values in some]),
        "dr-grpo": lambda: sum(map(sum, rows)) / config.max_tokens / len(rows),
        "dapo": lambda: np.mean(np.concatenate(some)),
        "cispo": lambda: np.mean(np.concatenate(some)),
        "rloo": lambda: sum(map(sum, some)) / len(some),
    }[config.variant]())  # fmt: skip


@pytest.mark.parametrize("mask_truncated", [False, True])
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_loss_of_each_variant_is_its_papers_formula(whole, variant, mask_truncated):
    config = CONFIGS[variant, mask_truncated]
    logp = np.asarray(whole.more["logp"])
    loss = float(whole.more["losses"][NUMBER[variant, mask_truncated]])
    assert loss == pytest.approx(
        by_hand(logp, example(old=True, sampler=True), config, STOPS), rel=1e-4
    )


def test_a_completion_that_is_its_stop_token_alone_is_learned_from(program):
    rows = example(old=True, sampler=True)
    only_stop = np.where(np.arange(COMPLETION) == 0, 106, PAD)[None].repeat(2, axis=0)
    two = PolicyExample(*(part[:2] for part in rows[:6]), np.float32(1), rows.sampled_logps[:2])  # type: ignore[index]
    two = replace(two, completion_ids=only_stop, completion_mask=only_stop != PAD,
                  advantages=-np.ones(2))  # fmt: skip
    gradient = _of(len(IN_PIECES), program(two).gradient)
    assert max(np.abs(part).max() for part in jax.tree.leaves(gradient)) > 0


def test_kl_is_k3_whose_gradient_is_not_zero():
    reference = jnp.log(jnp.array([[0.2, 0.8]]))

    def expected_kl(logits):
        """The estimator's mean over both tokens, weighted by how often each is sampled."""
        logp = jax.nn.log_softmax(logits)
        return (jax.lax.stop_gradient(jnp.exp(logp)) * kl_divergence(logp, reference)).sum()

    gradient = jax.grad(expected_kl)(jnp.array([[0.0, 0.0]]))
    assert float(jnp.abs(gradient).max()) > 0.1


def test_kl_is_tunixs_low_variance_estimator():
    logp, reference = jnp.array([[-0.1, -2.0, -5.0]]), jnp.array([[-0.3, -1.0, -9.0]])
    expected = common.compute_kl_divergence(logp, reference, "low_var_kl")
    assert np.array_equal(kl_divergence(logp, reference), expected)
    assert tunix.algorithm(CONFIG).kl_clamp_value == OBJECTIVE.kl_clamp == CONFIG.kl_clamp
