"""The train step: what its program returns, and that it trains as Tunix's own does."""

from typing import Any

import jax
import numpy as np
import optax
import pytest
from flax import nnx
from tunix.sft import peft_trainer

from pipeline.loss import policy
from pipeline.train import step as train_step
from tests.support.two_layers import built, with_adapters


def trainer() -> peft_trainer.PeftTrainer:
    made = peft_trainer.PeftTrainer(
        with_adapters(built(blocks=True)),
        optax.adamw(1e-2),
        peft_trainer.TrainingConfig(eval_every_n_steps=100, max_steps=100),
        metrics_logger=object(),  # type: ignore[arg-type]  # nothing is logged
    )
    made.with_loss_fn(policy.sft_loss)
    for part in (made.model, made.optimizer):  # in their place for good, as `models.load` has them
        nnx.update(part, jax.device_put(nnx.state(part), jax.devices()[0]))
    return made


def step_of(made: peft_trainer.PeftTrainer) -> Any:
    return made.jit_train_and_eval_step()[0]


@pytest.fixture(scope="module")
def batch() -> dict[str, np.ndarray]:
    ids = np.random.default_rng(0).integers(5, 60, size=(2, 24)).astype(np.int32)
    return {"ids": ids, "completion": ids > 20, "segments": np.ones_like(ids)}


def test_it_trains_as_tunix_does(batch):
    theirs, ours = trainer(), trainer()
    step = step_of(theirs)
    train_step.use_it(ours)
    mine = step_of(ours)
    for _ in range(3):
        wanted, found = step(batch), mine(batch)
        assert float(found[0]) == pytest.approx(float(wanted[0]), rel=1e-6)
        assert float(found[2]) == pytest.approx(float(wanted[2]), rel=1e-5)
    pairs = [(nnx.state(one.model, nnx.LoRAParam)) for one in (theirs, ours)]
    for other, changed in zip(*map(jax.tree.leaves, pairs), strict=True):
        np.testing.assert_allclose(changed, other, rtol=1e-4, atol=1e-6)
    assert mine.func.jitted_fn._cache_size() == 1  # compiled once


def test_the_frozen_weights_are_read_and_not_written(batch):
    ours = trainer()
    train_step.use_it(ours)
    step = step_of(ours).func
    adapters, rest = nnx.state(ours.model, nnx.LoRAParam, ...)
    optimizing = nnx.state(ours.optimizer)
    memory = step.jitted_fn.lower(adapters, optimizing, rest, batch).compile().memory_analysis()
    changed = sum(leaf.nbytes for leaf in jax.tree.leaves((adapters, optimizing)))
    frozen = sum(leaf.nbytes for leaf in jax.tree.leaves(rest))
    assert memory.output_size_in_bytes < changed + 4096 < changed + frozen
    assert memory.alias_size_in_bytes > 0.99 * changed  # written in their own place
    before = jax.tree.leaves(rest)
    step(batch)
    after = jax.tree.leaves(nnx.state(ours.model, nnx.LoRAParam, ...)[1])
    assert all(one is other for one, other in zip(before, after, strict=True))
