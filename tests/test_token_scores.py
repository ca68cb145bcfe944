"""Losses through chunks of the vocabulary's head: the same numbers, without a batch's logits."""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from tunix.models.gemma3 import model as gemma3
from tunix.rl import algo_core, common
from tunix.rl.grpo.grpo_learner import TrainExample
from tunix.sft.peft_trainer import _default_loss_fn
from tunix.sft.utils import build_positions_from_mask, make_causal_attn_mask

from pipeline import guards, learner, losses, models, token_scores
from pipeline.config import GrpoConfig
from pipeline.lora import add_adapters
from pipeline.metrics import StoreMetrics
from pipeline.objective import objective_of
from pipeline.tiny.train_base import initialise

PAD, ROWS, PROMPT, COMPLETION, TEMPERATURE = 0, 4, 7, 21, 0.9
LORA = nnx.DiffState(0, nnx.LoRAParam)
ALGORITHM = learner.algorithm(GrpoConfig(beta=0.3, epsilon=0.1))
vars(ALGORITHM)["temperature"] = TEMPERATURE  # Tunix's learner sets it likewise, from the rollout


@pytest.fixture(scope="module")
def policy():
    """A model of two layers with adapters that changed it."""
    config = models.architecture(models.TINY, "float32")
    start = gemma3.Gemma3(dataclasses.replace(config, num_layers=2), rngs=nnx.Rngs(0))
    initialise(start, seed=0)
    model = add_adapters(start, rank=4, alpha=8.0, seed=0, mesh=models.mesh_of())
    keys = iter(jax.random.split(jax.random.key(1), 100))
    trained = jax.tree.map(
        lambda w: w + 0.1 * jax.random.normal(next(keys), w.shape), nnx.state(model, nnx.LoRAParam)
    )
    nnx.update(model, trained)
    return model


class Example(NamedTuple):
    """What `policy_loss` and Tunix's loss read of a TrainExample."""

    prompt_ids: jax.Array
    completion_ids: jax.Array
    completion_mask: jax.Array
    advantages: jax.Array
    ref_per_token_logps: jax.Array
    old_per_token_logps: jax.Array | None


def example(*, old: bool) -> Example:
    """Rows of unequal length, one without a completion; log-probabilities as others left them."""
    rng = np.random.default_rng(0)
    prompts = rng.integers(110, 500, (ROWS, PROMPT))
    completions = rng.integers(110, 500, (ROWS, COMPLETION))
    for row in range(ROWS):
        prompts[row, :row] = PAD
        completions[row, COMPLETION - 7 * row :] = PAD
    sampled = -6 + rng.normal(size=(ROWS, COMPLETION))
    return Example(
        prompt_ids=jnp.asarray(prompts),
        completion_ids=jnp.asarray(completions),
        completion_mask=jnp.asarray(completions != PAD),
        advantages=jnp.asarray(rng.normal(size=ROWS)),
        ref_per_token_logps=jnp.asarray(sampled, dtype=jnp.float32),
        old_per_token_logps=jnp.asarray(sampled + 0.1, dtype=jnp.float32) if old else None,
    )


def ours(model, given):
    return losses.policy_loss(model, given, ALGORITHM, pad=PAD, temperature=TEMPERATURE)


def theirs(model, given, algorithm=ALGORITHM):
    return algo_core.grpo_loss_fn(model, given, algorithm, PAD, 1)


def differentiated(loss, model, given, wrt: Any = nnx.LoRAParam):
    """`loss` and its gradient for the parameters `wrt`, ready to be compiled or called."""
    graph, state = nnx.split(model)

    def value_and_gradient(state, given):
        at = nnx.DiffState(0, wrt)
        return nnx.value_and_grad(loss, argnums=at, has_aux=True)(nnx.merge(graph, state), given)

    return jax.jit(value_and_gradient).lower(state, given).compile(), (state, given)


def called(compiled, arguments):
    return compiled(*arguments)


def same_gradient(mine, other):
    for one, two in zip(jax.tree.leaves(mine), jax.tree.leaves(other), strict=True):
        assert float(jnp.abs(two).max()) > 0
        assert jnp.allclose(one, two, rtol=1e-3, atol=1e-6)


def test_the_kl_that_is_told_is_not_clamped_and_passes_the_guards_limit(policy, store):
    far = example(old=False)
    far = far._replace(ref_per_token_logps=far.ref_per_token_logps + 1)
    unclamped = learner.algorithm(GrpoConfig(beta=0.3, epsilon=0.1, kl_clamp=1e9))
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
    whole = TrainExample(prompt_mask=empty, **given._asdict())
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
    return losses.sft_loss(model, **given), None


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
    hidden, head = jax.random.normal(keys[0], (3, 13, 5)), jax.random.normal(keys[1], (11, 5))
    targets = jax.random.randint(keys[2], (3, 13), 0, 11)
    logp = jax.nn.log_softmax(hidden @ head.T / 0.7)
    scores = token_scores.score(hidden, head, targets, temperature=0.7, room=positions * 11 * 4)
    expected = jnp.take_along_axis(logp, targets[..., None], axis=-1)[..., 0]
    assert jnp.allclose(scores.logp, expected, atol=1e-5)
    assert jnp.allclose(scores.entropy, -(jnp.exp(logp) * logp).sum(axis=-1), atol=1e-5)


def test_a_model_that_knows_nothing_pays_log_vocabulary_and_has_its_entropy():
    scores = token_scores.score(jnp.zeros((2, 5, 3)), jnp.ones((7, 3)), jnp.zeros((2, 5), int))
    assert jnp.allclose(scores.logp, -jnp.log(7.0))
    assert jnp.allclose(scores.entropy, jnp.log(7.0))


def test_the_reference_is_scored_as_tunix_scores_it(policy):
    given = example(old=False)
    mine = learner.scores_of(
        policy, given.prompt_ids, given.completion_ids, pad=PAD, temperature=TEMPERATURE
    )
    expected = common.compute_per_token_logps(
        *nnx.split(policy), given.prompt_ids, given.completion_ids, PAD, 1, temperature=TEMPERATURE
    )
    assert jnp.allclose(mine.logp, expected, atol=1e-4)


LENGTH, VOCABULARY = 1_024, 32_768
LOGITS = 2 * LENGTH * VOCABULARY * 4  # bytes of the logits of two rows


@pytest.fixture(scope="module")
def wide():
    """A model of one layer and one head whose vocabulary outweighs all else, and a small room."""
    config = models.architecture(models.TINY, "float32")
    small = {"num_layers": 1, "num_heads": 1, "num_kv_heads": 1}
    config = dataclasses.replace(config, **small, num_embed=VOCABULARY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(token_scores, "LOGITS_BYTES", LOGITS // 8)
        yield gemma3.Gemma3(config, rngs=nnx.Rngs(0))


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

    def mine(state):
        scores = losses.completion_scores(
            nnx.merge(graph, state), ids[:, :8], ids, pad=PAD, temperature=TEMPERATURE
        )
        return scores.logp

    compiled = jax.jit(mine).lower(state).compile()
    assert bytes_needed(compiled) < LOGITS / 2
