"""SFT through Tunix's own trainer, at the smallest size."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from safetensors.numpy import load_file

from data.errors import UserError
from data.store.store import ask
from pipeline.config import SftConfig
from pipeline.model import TINY, gemma3
from pipeline.model.lora import add_adapters
from pipeline.model.tokenizer import Tokenizer
from pipeline.train import sft
from pipeline.train.metrics import StoreMetrics, TrainingRun
from pipeline.train.optimizer import adamw, reset_momentum


def test_what_was_learned_is_in_every_projection_of_the_merged_weights(cold, few):
    base = gemma3.hugging_face_weights(gemma3.load(str(few)).model)
    merged = load_file(cold["merged"] / "model.safetensors")
    changed = {name for name in base if not np.array_equal(base[name], merged[name])}
    assert changed == {name for name in base if "_proj" in name}


def test_the_loss_of_each_step_is_in_the_store_and_falls(cold):
    loss = ask(
        cold["store"], "select value from metrics where name = 'sft/train/loss' order by step"
    )["value"]
    assert len(loss) == cold["config"].steps == cold["steps"][-1]
    assert loss[-1] < loss[0]


def test_a_checkpoint_of_another_configuration_is_not_resumed(cold, few):
    other = replace(cold["config"], learning_rate=1e-3)
    with pytest.raises(UserError, match=r"config.learning_rate was 0.005 and is 0.001"):
        sft.train(
            gemma3.load(str(few)), cold["rows"], Tokenizer(TINY), other,
            TrainingRun(cold["folder"], StoreMetrics(cold["store"], "x"), lambda *shown: None),
        )  # fmt: skip


def test_no_example_that_fits_is_refused_with_the_limit(cold, few, tmp_path):
    with pytest.raises(UserError, match="160 tokens or fewer"):
        sft.train(
            gemma3.load(str(few)), [], Tokenizer(TINY), cold["config"],
            TrainingRun(tmp_path, StoreMetrics(cold["store"], "y"), lambda *shown: None),
        )  # fmt: skip


def test_a_reset_of_momentum_keeps_the_step_of_the_schedule(few):
    start = gemma3.load(str(few))
    model = add_adapters(start.model, rank=2, alpha=1.0, seed=0, mesh=start.mesh)
    rule = adamw(SftConfig(lora_rank=2, warmup=0.5), 10)
    optimizer = nnx.Optimizer(model, rule, wrt=nnx.LoRAParam)
    ones = jax.tree.map(jnp.ones_like, nnx.state(model, nnx.LoRAParam))
    update = nnx.jit(lambda optimizer, model, ones: optimizer.update(model, ones))
    for _ in range(3):
        update(optimizer, model, ones)
    reset_momentum(optimizer)
    numbers = {
        "/".join(map(str, path)): np.asarray(leaf)
        for path, leaf in nnx.to_flat_state(nnx.state(optimizer, nnx.OptState))
    }
    moments = [leaf for path, leaf in numbers.items() if "/mu/" in path or "/nu/" in path]
    assert len(moments) > 2
    assert not any(leaf.any() for leaf in moments)
    counts = {path: int(leaf) for path, leaf in numbers.items() if path.endswith("count")}
    assert sorted(counts.values()) == [0, 3]  # Adam's, and the schedule's
