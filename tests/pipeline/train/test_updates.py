"""Several updates on one batch of rollouts: the old policy is that of before the first one.

Each update is taken in two micro-batches; by hand, in one.
"""

from dataclasses import replace

import jax
import numpy as np
import pytest
from flax import nnx

from data.sources.samples import word_problems
from data.store.store import open_store
from pipeline.batches.examples import Prompt
from pipeline.generate import Sampling
from pipeline.loss.policy import policy_loss
from pipeline.loss.variants import objective_of
from pipeline.model import gemma3
from pipeline.model.lora import add_adapters
from pipeline.model.tokenizer import Tokenizer, prompt_text
from pipeline.train import grpo
from pipeline.train.metrics import StoreMetrics, TrainingRun
from pipeline.train.optimizer import adamw
from pipeline.train.rewards.parts import Part, Reward
from tests.support import small_grpo

# the learning rate of the first update is 0, so the third one is the first with another policy
CONFIG = replace(
    small_grpo.CONFIG,
    steps=2,
    updates=3,
    epsilon=1e-3,
    evaluate_every=2,
    guard="off",
)
# so that each group has a signal
OF_LENGTH = Reward("length", 1.0, lambda text, gold, score: float(len(text)))


def adapters_of(model: nnx.Module) -> list[np.ndarray]:
    return [np.array(leaf) for leaf in jax.tree.leaves(nnx.state(model, nnx.LoRAParam))]


@pytest.fixture(scope="module")
def trained(cold, tmp_path_factory):
    """A run of two steps: the example of the first, and the adapters after it."""
    folder = tmp_path_factory.mktemp("updates")
    start = gemma3.load(str(cold["merged"]))
    tokenizer = Tokenizer(start.folder)
    problems = [
        Prompt(f"p{n}", prompt_text(tokenizer, problem.question), problem.gold)
        for n, problem in enumerate(word_problems.problems(6, 3, "train"))
    ]
    heldout = grpo.Heldout(
        lambda generate: 0.0, 2, Sampling(max_prompt_tokens=128, max_tokens=16), 2,
        lambda step, answer: None,
    )  # fmt: skip
    metrics = StoreMetrics(open_store(folder / "store"), "grpo-updates")
    run = TrainingRun(folder, metrics, lambda *shown: None)
    training = grpo.GrpoTraining(start, problems, tokenizer, CONFIG, heldout, run)
    parts: list[Part] = [OF_LENGTH]
    training.rewards = training.log.parts = training.sampler.rewards = parts
    training.resume()
    examples, adapters = [], []

    def before_update(batch):
        examples.append(training.before_update(batch))
        return examples[-1]

    def after_update(step):
        training.after_update(step)
        adapters.append(adapters_of(training.actor))

    training.learner.train_on(training.order.remaining(), before_update, after_update)
    training.flush()
    return {
        "examples": examples,
        "adapters": adapters,
        "series": metrics.series,
        "stops": tokenizer.stop_ids(),
        "pad": tokenizer.pad_id(),
    }


@pytest.fixture(scope="module")
def by_hand(cold, trained):
    """The same first step, update by update: the adapters after it, and the means of each update"""
    start = gemma3.load(str(cold["merged"]))
    actor = add_adapters(
        start.model, rank=CONFIG.lora_rank, alpha=CONFIG.lora_alpha, seed=0, mesh=start.mesh
    )
    optimizer = nnx.Optimizer(actor, adamw(CONFIG, CONFIG.steps * 3), wrt=nnx.LoRAParam)
    objective, example = objective_of(CONFIG, trained["stops"]), trained["examples"][0]

    @nnx.jit
    def gradient(model):
        def loss(model):
            return policy_loss(
                model, example, objective, pad=trained["pad"], temperature=CONFIG.temperature
            )

        of_adapters = nnx.DiffState(0, nnx.LoRAParam)
        return nnx.value_and_grad(loss, argnums=of_adapters, has_aux=True)(model)

    means = []
    for _ in range(CONFIG.updates):
        (value, of_update), gradients = gradient(actor)
        optimizer.update(actor, gradients)
        means.append({"loss": value} | of_update)
    return {"adapters": adapters_of(actor), "means": means}


def test_a_batch_is_trained_on_several_times_against_the_policy_of_before(trained, by_hand):
    for expected, adapters in zip(by_hand["adapters"], trained["adapters"][0], strict=True):
        np.testing.assert_allclose(adapters, expected, rtol=1e-3, atol=2e-5)


def test_the_ratio_is_one_until_the_policy_has_moved(by_hand):
    clipped = [float(means["pg_clipfrac"]) for means in by_hand["means"]]
    assert clipped[:2] == [0.0, 0.0]
    assert clipped[2] > 0


@pytest.mark.parametrize(
    ("name", "rel"), [("loss", 1e-3), ("pg_clipfrac", 0.1), ("entropy", 0.1), ("kl", 0.1)]
)
def test_what_is_logged_of_a_step_is_the_mean_of_its_updates(trained, by_hand, name, rel):
    """Of a mean over tokens the run logs the mean of its micro-batches, by hand it is of all."""
    logged = trained["series"][f"actor/train/{name}"]
    assert [step for step, _ in logged] == [1, 2]
    mean = np.mean([float(means[name]) for means in by_hand["means"]])
    assert logged[0][1] == pytest.approx(mean, rel=rel, abs=1e-5)


def test_the_old_policy_is_that_of_the_moment_of_sampling(trained):
    for example in trained["examples"]:
        mask = np.asarray(example.completion_mask)
        differences = np.asarray(example.old_per_token_logps - example.sampled_logps)[mask]
        assert np.abs(differences).max() < 1e-2
    start, moved = (adapters[0] for adapters in trained["adapters"])
    assert not np.array_equal(start, moved)
