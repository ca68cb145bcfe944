"""GRPO through Tunix's own learner, at the smallest size."""

from pathlib import Path

import jax
import numpy as np
import pytest
from safetensors.numpy import load_file
from tunix.sft.metrics_logger import MetricsLogger

from data.errors import UserError
from data.store.store import ask
from pipeline.batches.examples import Prompt
from pipeline.batches.grpo import prompt_batches
from pipeline.checkpoint.best import BestAdapters
from pipeline.config import GrpoConfig
from pipeline.generate import Sampling
from pipeline.loss.variants import objective_of
from pipeline.model import gemma3
from pipeline.model.adapter import side_by_side
from pipeline.model.agreement import agreement
from pipeline.model.lora import add_adapters, merge_adapters
from pipeline.model.peft_layout import load_adapter
from pipeline.train import grpo, tunix
from pipeline.train.metrics import StoreMetrics, TrainingRun
from pipeline.train.tunix import algorithm
from tests.support.small_grpo import CONFIG, HELDOUT


def test_the_best_step_is_kept_and_not_the_last(trained):
    assert trained["kept"] == list(HELDOUT.items())
    assert trained["step"] == 2


def merged_by_hand(trained, step):
    start = gemma3.load(str(trained["from"]))
    actor = add_adapters(start.model, rank=4, alpha=CONFIG.lora_alpha, seed=0, mesh=start.mesh)
    adapters = BestAdapters(trained["folder"] / "adapters", CONFIG.keep)
    adapters.restore(step, actor)
    adapters.close()
    merge_adapters(actor, start.model, alpha=CONFIG.lora_alpha)
    return gemma3.hugging_face_weights(start.model)


def test_the_merged_weights_are_base_and_adapters_of_the_best_step(trained):
    merged = load_file(trained["merged"] / "model.safetensors")
    best, last = merged_by_hand(trained, trained["step"]), merged_by_hand(trained, CONFIG.steps)
    assert all(np.array_equal(merged[name], best[name]) for name in best)
    base = gemma3.hugging_face_weights(gemma3.load(str(trained["from"])).model)
    name = "model.layers.0.mlp.down_proj.weight"
    assert not np.array_equal(best[name], last[name])
    assert not np.array_equal(best[name], base[name])


def test_the_evaluated_model_is_the_one_that_is_trained(trained):
    assert len(trained["written"]) == len(HELDOUT)
    assert trained["written"][0] != trained["written"][-1]


def test_a_checkpoint_of_other_problems_is_not_resumed(trained, few):
    with pytest.raises(UserError, match=r"problems was '[0-9a-f]+' and is "):
        grpo.train(
            gemma3.load(str(few)), [], trained["tokenizer"], CONFIG,
            grpo.Heldout(lambda generate: 0.0, 1, Sampling(), 1, lambda step, answer: None),
            TrainingRun(
                trained["folder"], StoreMetrics(trained["store"], "x"), lambda *shown: None
            ),
        )  # fmt: skip


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
        "actor/train/entropy",
        "actor/train/loss",
    } <= set(names)


def test_sampler_and_trainer_agree_to_a_hundredth_of_each_probability(trained):
    """In float32, though one reads token by token with a cache and the other whole rows."""
    query = """
        select name, max(value) as most, count(*) as n from metrics
        where name in ('actor/train/mismatch', 'actor/train/mismatch_tokens', 'actor/train/capped')
        group by name order by name
    """
    rows = {name: (most, n) for name, most, n in ask(trained["store"], query).rows()}
    assert {n for _, n in rows.values()} == {CONFIG.steps}
    assert rows["actor/train/mismatch_tokens"][0] == rows["actor/train/capped"][0] == 0
    assert abs(rows["actor/train/mismatch"][0]) < 1e-4


def test_the_merged_folder_loads_like_any_model(trained, few):
    merged = gemma3.load(str(trained["merged"]))
    assert gemma3.parameters(merged.model) == gemma3.parameters(gemma3.load(str(few)).model)


def test_a_rollout_is_trained_on_once_so_that_no_older_policy_is_scored():
    assert algorithm(CONFIG).num_iterations == 1  # Tunix scores it at temperature 1


def test_a_group_of_one_is_refused():
    with pytest.raises(ValueError, match="group must be at least 2"):
        GrpoConfig(group=1)


def test_the_order_of_problems_is_a_pure_function_of_the_seed():
    problems = [Prompt(f"p{n}", f"{n}?", str(n)) for n in range(9)]

    def order(seed):
        batches = prompt_batches(problems, GrpoConfig(prompts=3, steps=5, seed=seed))
        steps = [batches[step] for step in range(5)]
        return [batch["problem_id"].tolist() for batch in steps if batch]

    assert order(1) == order(1) != order(2)
    assert {p for batch in order(1)[:3] for p in batch} == {f"p{n}" for n in range(9)}


def test_a_logger_that_closes_leaves_the_listeners_of_other_stages_alone(trained, monkeypatch):
    cleared = []
    monkeypatch.setattr(jax.monitoring, "clear_event_listeners", lambda: cleared.append(1))
    tunix.Logger(StoreMetrics(trained["store"], "other")).close()
    assert cleared == []


def test_restored_adapters_are_those_that_were_saved(few, tmp_path):
    from flax import nnx

    loaded = gemma3.load(str(few))
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


def test_no_logger_of_a_run_has_a_backend_so_that_wandb_never_starts(trained, few):
    start, tokenizer = gemma3.load(str(few)), trained["tokenizer"]
    metrics = StoreMetrics(trained["store"], "quiet")
    objective = objective_of(CONFIG, tokenizer.stop_ids())
    learner = tunix.GrpoLearner(start, tokenizer, CONFIG, objective, metrics)
    loggers = [learner.rl_cluster._rl_metrics_logger, learner.trainer.metrics_logger]
    assert all(isinstance(logger, MetricsLogger) for logger in loggers)
    assert [logger._backends for logger in loggers] == [[], []]


def test_the_adapters_of_both_stages_lead_from_the_first_base_to_the_merged_weights(
    trained, cold, few
):
    of_sft = load_adapter(cold["folder"] / "peft")
    of_grpo = load_adapter(trained["folder"] / "peft")
    assert (of_sft.rank, of_grpo.rank) == (8, 4)
    both = side_by_side([of_sft, of_grpo])
    assert agreement(few, both, trained["merged"]).largest < 1e-6
    assert agreement(cold["merged"], of_grpo, trained["merged"]).equal == 1
