"""The best adapters of a run are kept on disk, and the last ones are averaged."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from pipeline.checkpoint.best import BestAdapters, RecentAdapters
from pipeline.model import gemma3
from pipeline.model.lora import add_adapters


@pytest.fixture(scope="module")
def actor(few):
    start = gemma3.load(str(few))
    return add_adapters(start.model, rank=2, alpha=4.0, seed=0, mesh=start.mesh)


def filled(actor: nnx.Module, value: float) -> nnx.Module:
    state = nnx.state(actor, nnx.LoRAParam)
    nnx.update(actor, jax.tree.map(lambda leaf: jnp.full_like(leaf, value), state))
    return actor


def value_of(actor: nnx.Module) -> float:
    [value] = {float(v) for leaf in jax.tree.leaves(nnx.state(actor, nnx.LoRAParam))
               for v in np.unique(leaf)}  # fmt: skip
    return value


def test_the_mean_is_of_the_last_ones_that_are_kept(actor, tmp_path):
    recent = RecentAdapters(tmp_path / "recent", keep=2)
    for step, value in ((0, 8.0), (10, 1.0), (20, 4.0)):
        recent.save(step, filled(actor, value))
    assert recent.steps() == [10, 20]
    recent.restore_mean(actor)
    assert value_of(actor) == 2.5
    recent.close()


def test_a_roll_back_drops_the_adapters_after_the_step_that_is_restored(actor, tmp_path):
    recent = RecentAdapters(tmp_path / "recent", keep=3)
    for step, value in ((0, 8.0), (10, 2.0), (20, 4.0)):
        recent.save(step, filled(actor, value))
    recent.drop_after(10)
    assert recent.steps() == [0, 10]
    recent.save(30, filled(actor, 2.0))
    recent.restore_mean(actor)
    assert value_of(actor) == 4.0
    recent.close()


def test_a_resumed_run_passes_a_step_that_better_ones_have_pushed_out(actor, tmp_path):
    best = BestAdapters(tmp_path / "best", keep=1)
    for step, answer in ((0, 0.5), (11, 0.55), (12, 0.9)):
        best.save(step, filled(actor, step), answer)
    best.close()
    resumed = BestAdapters(tmp_path / "best", keep=1)
    for step, answer in ((11, 0.55), (12, 0.9), (13, 0.3)):
        resumed.save(step, filled(actor, step), answer)
    assert resumed.best() == 12
    resumed.restore(12, actor)
    assert value_of(actor) == 12.0
    resumed.close()
