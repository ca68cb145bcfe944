"""GRPO through Tunix's own learner, at the smallest size."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tunix.rl import common

from data.store import ask
from pipeline import grpo, models
from pipeline.checkpoints import BestAdapters
from pipeline.config import GrpoConfig
from pipeline.lora import add_adapters
from pipeline.metrics import StoreMetrics
from pipeline.rollout import Sampling
from pipeline.tokens import Tokenizer, prompt_text

CONFIG = GrpoConfig(
    steps=3,
    prompts=2,
    group=4,
    max_prompt_tokens=128,
    max_tokens=48,
    evaluate_every=1,
    lora_rank=4,
    learning_rate=1e-3,
)
HELDOUT = {0: 0.4, 1: 0.9, 2: 0.5, 3: 0.6}  # answer accuracy that the measure below reports


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """One run of three steps, and what it left in the store and on disk."""
    from data.store import open_store

    folder = tmp_path_factory.mktemp("grpo")
    store = open_store(folder / "store")
    start = models.load("tiny")
    tokenizer = Tokenizer(start.folder)
    problems = [
        grpo.Prompt(f"p{n}", prompt_text(tokenizer, f"What is {n} + 2?"), str(n + 2))
        for n in range(6)
    ]
    metrics = StoreMetrics(store, "grpo-test")
    measured = iter(HELDOUT.values())
    kept: list[tuple[int, float]] = []
    merged, step = grpo.train(
        start,
        problems,
        tokenizer,
        CONFIG,
        store=store,
        run="grpo-test",
        measure=lambda generate: next(measured),
        heldout_sampling=Sampling(max_prompt_tokens=128, max_tokens=16),
        heldout_batch=2,
        checkpoints=folder / "adapters",
        merged=folder / "merged",
        metrics=metrics,
        progress=lambda *shown: None,
        on_checkpoint=lambda step, answer: kept.append((step, answer)),
    )
    return {"store": store, "merged": merged, "step": step, "kept": kept, "folder": folder}


def test_the_best_step_is_kept_and_not_the_last(trained):
    assert trained["kept"] == list(HELDOUT.items())
    assert trained["step"] == 1


def test_every_rollout_is_in_the_store_with_its_problem_and_rewards(trained):
    rows = ask(trained["store"], 'select * from rollouts order by step, "group", sample')
    assert rows.height == CONFIG.steps * CONFIG.prompts * CONFIG.group
    assert set(rows["problem_id"]) <= {f"p{n}" for n in range(6)}
    assert rows.group_by("step", "group").len()["len"].to_list() == [CONFIG.group] * 6
    for row in rows.iter_rows(named=True):
        parts = sum(part["value"] * part["weight"] for part in row["rewards"])
        assert row["reward"] == pytest.approx(parts)


def test_advantages_of_a_group_sum_to_zero(trained):
    groups = ask(
        trained["store"],
        'select sum(advantage) as total from rollouts group by step, "group"',
    )
    assert all(abs(total) < 1e-3 for total in groups["total"])


def test_no_two_steps_sample_the_same_texts(trained):
    texts = ask(
        trained["store"],
        'select step, list(text order by "group", sample) as t from rollouts group by step',
    )
    assert len({tuple(row) for row in texts["t"].to_list()}) == CONFIG.steps


def test_signs_of_collapse_are_measured_at_each_step(trained):
    names = ask(trained["store"], "select distinct name from metrics order by name")["name"]
    assert {
        "rollout/reward",
        "rollout/tokens",
        "rollout/truncated",
        "rollout/empty",
        "rollout/zero_variance_groups",
        "heldout/answer",
        "actor/train/kl",
        "actor/train/loss",
    } <= set(names)


def test_the_merged_folder_loads_like_any_model(trained):
    merged = models.load(str(trained["merged"]))
    assert models.parameters(merged.model) == models.parameters(models.load("tiny").model)


def test_kl_is_k3_whose_gradient_is_not_zero():
    algorithm = grpo.algorithm(CONFIG)
    assert algorithm.kl_clamp_value == CONFIG.kl_clamp
    reference = jnp.log(jnp.array([[0.2, 0.8]]))

    def expected_kl(logits):
        """The estimator's mean over both tokens, weighted by how often each is sampled."""
        logp = jax.nn.log_softmax(logits)
        each = common.compute_kl_divergence(logp, reference, algorithm.kl_loss_mode)
        return (jax.lax.stop_gradient(jnp.exp(logp)) * each).sum()

    gradient = jax.grad(expected_kl)(jnp.array([[0.0, 0.0]]))
    assert float(jnp.abs(gradient).max()) > 0.1


def test_a_group_of_one_is_refused():
    with pytest.raises(ValueError, match="group must be at least 2"):
        GrpoConfig(group=1)


def test_the_order_of_problems_is_a_pure_function_of_the_seed():
    problems = [grpo.Prompt(f"p{n}", f"{n}?", str(n)) for n in range(9)]

    def order(seed):
        batches = grpo.prompt_batches(problems, GrpoConfig(prompts=3, steps=5, seed=seed))
        return [batch["problem_id"].tolist() for batch in batches]

    assert order(1) == order(1) != order(2)
    assert {p for batch in order(1)[:3] for p in batch} == {f"p{n}" for n in range(9)}


def test_stages_in_one_process_leave_each_others_listeners_alone(trained):
    heard = []

    def listen(event, value, **kwargs):
        heard.append(event)

    jax.monitoring.register_scalar_listener(listen)
    StoreMetrics(trained["store"], "other").close()
    jax.monitoring.record_scalar("thinkbench/test", 1.0)
    assert "thinkbench/test" in heard


def test_restored_adapters_are_those_that_were_saved(tmp_path):
    from flax import nnx

    loaded = models.load("tiny")
    model = add_adapters(loaded.model, rank=2, alpha=4.0, seed=0, mesh=loaded.mesh)
    best = BestAdapters(Path(tmp_path) / "best", keep=2)
    saved = [np.asarray(leaf) for leaf in jax.tree.leaves(nnx.state(model, nnx.LoRAParam))]
    best.save(1, model, 0.9)
    nnx.update(model, jax.tree.map(lambda w: w + 1, nnx.state(model, nnx.LoRAParam)))
    best.save(2, model, 0.1)
    best.restore(best.best(), model)
    best.close()
    restored = [np.asarray(leaf) for leaf in jax.tree.leaves(nnx.state(model, nnx.LoRAParam))]
    assert all(np.array_equal(a, b) for a, b in zip(saved, restored, strict=True))
