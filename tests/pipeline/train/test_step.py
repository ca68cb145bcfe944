"""The train step: what its program returns, and that it trains as Tunix's own does."""

import functools
import gc
import weakref
from typing import Any

import jax
import numpy as np
import optax
import pytest
from flax import nnx
from tunix.sft import peft_trainer

from data.store.store import Store
from pipeline.config import SftConfig
from pipeline.loss.sft import sft_loss
from pipeline.train.metrics import StoreMetrics
from pipeline.train.optimizer import adamw
from pipeline.train.tunix import SftTrainer, use_own_step
from tests.support.two_layers import built, with_adapters


def trainer() -> peft_trainer.PeftTrainer:
    result = peft_trainer.PeftTrainer(
        with_adapters(built(blocks=True)),
        optax.adamw(1e-2),
        peft_trainer.TrainingConfig(eval_every_n_steps=100, max_steps=100),
        metrics_logger=object(),  # type: ignore[arg-type]  # nothing is logged
    )
    result.with_loss_fn(sft_loss)
    # committed to a device, as `gemma3.load` leaves them
    for part in (result.model, result.optimizer):
        nnx.update(part, jax.device_put(nnx.state(part), jax.devices()[0]))
    return result


def step_of(trainer: peft_trainer.PeftTrainer) -> Any:
    return trainer.jit_train_and_eval_step()[0]


@pytest.fixture(scope="module")
def batch() -> dict[str, np.ndarray]:
    ids = np.random.default_rng(0).integers(5, 60, size=(2, 24)).astype(np.int32)
    return {"ids": ids, "completion": ids > 20, "segments": np.ones_like(ids)}


def test_it_trains_as_tunix_does(batch):
    theirs, ours = trainer(), trainer()
    tunix_step = step_of(theirs)
    use_own_step(ours, ours.optimizer.tx, None)
    own_step = step_of(ours)
    for _ in range(3):
        expected, result = tunix_step(batch), own_step(batch)
        assert float(result[0]) == pytest.approx(float(expected[0]), rel=1e-6)
        assert float(result[2]) == pytest.approx(float(expected[2]), rel=1e-5)
    pairs = [(nnx.state(one.model, nnx.LoRAParam)) for one in (theirs, ours)]
    for other, changed in zip(*map(jax.tree.leaves, pairs), strict=True):
        np.testing.assert_allclose(changed, other, rtol=1e-4, atol=1e-6)
    assert own_step.func.jitted_fn._cache_size() == 1  # compiled once


def test_the_frozen_weights_are_read_and_not_written(batch):
    ours = trainer()
    use_own_step(ours, ours.optimizer.tx, None)
    step = step_of(ours).func
    adapters, rest = nnx.state(ours.model, nnx.LoRAParam, ...)
    optimizing = nnx.state(ours.optimizer)
    memory = step.jitted_fn.lower(adapters, optimizing, rest, batch).compile().memory_analysis()
    changed = sum(leaf.nbytes for leaf in jax.tree.leaves((adapters, optimizing)))
    frozen = sum(leaf.nbytes for leaf in jax.tree.leaves(rest))
    assert memory.output_size_in_bytes < changed + 4096 < changed + frozen
    assert memory.alias_size_in_bytes > 0.99 * changed  # updated in place
    before = jax.tree.leaves(rest)
    step(batch)
    after = jax.tree.leaves(nnx.state(ours.model, nnx.LoRAParam, ...)[1])
    assert all(one is other for one, other in zip(before, after, strict=True))


def program_of(
    store: Store, config: SftConfig, steps: int = 10, loss: Any = sft_loss
) -> tuple[Any, weakref.ref[nnx.Module]]:
    """The program of a new trainer, and its model, of which nothing is left here."""
    model, metrics = with_adapters(built(blocks=True)), StoreMetrics(store, "sft-test")
    trainer = SftTrainer(model, adamw(config, steps), loss, metrics=metrics, mesh=None)
    return step_of(trainer).func.jitted_fn, weakref.ref(model)


def test_runs_of_equal_settings_share_a_program_which_keeps_no_weights(store):
    program, model = program_of(store, SftConfig())
    gc.collect()
    assert model() is None
    same, _ = program_of(store, SftConfig(seed=5))
    assert same is program
    others = [
        program_of(store, SftConfig(learning_rate=1e-3)),
        program_of(store, SftConfig(), steps=11),
        program_of(store, SftConfig(), loss=functools.partial(sft_loss)),
    ]
    assert program not in [other for other, _ in others]
