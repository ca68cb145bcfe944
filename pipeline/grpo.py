"""GRPO: Tunix's learner with fresh seeds, trained stop tokens, k3 KL, and the best step kept.

What the defaults of Tunix 0.1.7 would do instead, and why each is changed, is in
docs/decisions/0003-grpo-that-holds.md.
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import grain.python as grain
import jax.numpy as jnp
import numpy as np
import polars as pl
from flax import nnx
from tunix.rl import rl_cluster as rl
from tunix.rl.grpo.grpo_learner import GRPOConfig, GRPOLearner
from tunix.rl.rollout import base_rollout
from tunix.sft.sharding_utils import shard_input

from data.store import Store, add
from pipeline import models
from pipeline.checkpoints import BestAdapters
from pipeline.config import GrpoConfig
from pipeline.lora import add_adapters, merge_adapters
from pipeline.losses import completion_scores, policy_loss
from pipeline.metrics import StoreMetrics
from pipeline.rewards import Reward, as_tunix, judged, rewards_of
from pipeline.rollout import FreshRollout, Generate, Sampling, generator
from pipeline.sft import NoBar, Progress, optimizer
from pipeline.tokens import Tokenizer

FLUSH_STEPS = 10  # a part of rollouts is written after so many steps
scores_of = nnx.jit(completion_scores, static_argnames=("pad", "temperature"))
Measure = Callable[[Generate], float]  # held-out answer accuracy of what generates


@dataclass(frozen=True)
class Prompt:
    """One problem as GRPO sees it."""

    problem_id: str
    prompt: str
    gold: str


@dataclass
class Recorder:
    """Notes every rollout with its rewards and advantage; called by Tunix once per step."""

    store: Store
    run: str
    rewards: list[Reward]
    group: int
    metrics: StoreMetrics
    rollout: FreshRollout
    step: int = 1  # whose update these rollouts are for
    rows: list[dict] = field(default_factory=list)

    def __call__(self, prompts, completions, advantages, rewards, problem_id, gold, **columns):
        noted, self.rollout.noted = self.rollout.noted, []
        assert [c.text for c in noted] == list(completions), "rollouts and rewards are out of step"
        for place, completion in enumerate(noted):
            right = str(gold[place])
            score = judged(completion.text, right)
            self.rows.append(
                {
                    "run": self.run,
                    "step": self.step,
                    "group": place // self.group,
                    "sample": place % self.group,
                    "problem_id": str(problem_id[place]),
                    "text": completion.text,
                    "tokens": len(completion.ids),
                    "finish": completion.finish,
                    "rewards": [
                        {
                            "name": reward.name,
                            "value": reward.value(completion.text, right, score),
                            "weight": reward.weight,
                        }
                        for reward in self.rewards
                    ],
                    "reward": float(rewards[place]),
                    "advantage": float(advantages[place]),
                }
            )
        self._note_signs_of_collapse(noted, np.asarray(rewards))
        if self.step % FLUSH_STEPS == 0:
            self.flush()
        self.step += 1
        return {}

    def _note_signs_of_collapse(self, noted, rewards: np.ndarray) -> None:
        spread = rewards.reshape(-1, self.group).std(axis=1)
        for name, values in {
            "rollout/reward": rewards,
            "rollout/tokens": [len(c.ids) for c in noted],
            "rollout/truncated": [c.finish == "length" for c in noted],
            "rollout/empty": [not c.text.strip() for c in noted],
            "rollout/zero_variance_groups": spread == 0,
        }.items():
            self.metrics.note(self.step, name, float(np.mean(values)))

    def flush(self) -> None:
        if self.rows:
            add(self.store, "rollouts", pl.DataFrame(self.rows), run=self.run)
            self.rows = []


class Cluster(rl.RLCluster):
    """Tunix's cluster whose reference is scored without the logits of whole completions."""

    def get_ref_per_token_logps(
        self, prompt_tokens, completion_tokens, pad_id, eos_id, micro_batch_size=None
    ):
        """[batch, completion]: log-probability of each token under the reference."""
        model = self.inference_worker.get_model("reference")
        sampled_at = self.get_rollout_config(mode=rl.Mode.TRAIN).temperature
        axis = self.cluster_config.training_config.data_sharding_axis
        rows, pieces = micro_batch_size or len(prompt_tokens), []
        with self.r2m[rl.Role.REFERENCE]:
            for row in range(0, len(prompt_tokens), rows):
                prompts = shard_input(prompt_tokens[row : row + rows], axis)
                completions = shard_input(completion_tokens[row : row + rows], axis)
                scores = scores_of(model, prompts, completions, pad=pad_id, temperature=sampled_at)
                pieces.append(scores.logp)
        return jnp.concatenate(pieces)


class Learner(GRPOLearner):
    """Tunix's learner with our loss, that lets something happen after each step."""

    after_step: Callable[[int], None]

    def __init__(self, rl_cluster: Cluster, algo_config: GRPOConfig, **functions) -> None:
        super().__init__(rl_cluster=rl_cluster, algo_config=algo_config, **functions)
        logged = ["entropy", "pg_clipfrac"] + ["kl"] * bool(algo_config.beta)

        def loss(model, train_example, algo_config):
            pad, sampled_at = rl_cluster.rollout.pad_id(), algo_config.temperature
            return policy_loss(model, train_example, algo_config, pad=pad, temperature=sampled_at)

        rl_cluster.actor_trainer.with_loss_fn(loss, has_aux=True)
        rl_cluster.actor_trainer.with_rl_metrics_to_log(dict.fromkeys(logged, np.mean))

    def _run_global_step(self, *args, **kwargs) -> None:
        super()._run_global_step(*args, **kwargs)
        self.after_step(self.rl_cluster.global_steps + 1)


def prompt_batches(problems: list[Prompt], config: GrpoConfig) -> Iterator[dict[str, np.ndarray]]:
    """The prompts of each step, a pure function of seed and step; every column as an array."""
    places = grain.MapDataset.source(range(len(problems))).shuffle(seed=config.seed).repeat()
    batched = places.batch(config.prompts)
    for step in range(config.steps):
        chosen = [problems[place] for place in batched[step]]  # type: ignore[union-attr]
        yield {
            "prompts": np.array([problem.prompt for problem in chosen]),
            "problem_id": np.array([problem.problem_id for problem in chosen]),
            "gold": np.array([problem.gold for problem in chosen]),
        }


def cluster_of(
    start: models.Loaded, tokenizer: Tokenizer, config: GrpoConfig, sampling: Sampling
) -> Cluster:
    """Actor with adapters, reference without, both over the same base weights."""
    actor = add_adapters(
        start.model,
        rank=config.lora_rank,
        alpha=config.lora_alpha,
        seed=config.seed,
        mesh=start.mesh,
    )
    roles = (rl.Role.ACTOR, rl.Role.REFERENCE, rl.Role.ROLLOUT)
    return Cluster(
        actor=actor,
        reference=start.model,
        tokenizer=tokenizer,
        cluster_config=rl.ClusterConfig(
            role_to_mesh=dict.fromkeys(roles, start.mesh),
            rollout_engine=functools.partial(
                FreshRollout, words=tokenizer, sampling=sampling, seed=config.seed
            ),  # type: ignore[arg-type]  # Tunix takes a partial of a subclass as well
            training_config=rl.RLTrainingConfig(
                actor_optimizer=optimizer(config, config.steps),
                eval_every_n_steps=config.steps + 1,
                max_steps=config.steps,
                mini_batch_size=config.prompts,
                train_micro_batch_size=config.micro_batch or config.prompts,
                # else a step would be sampled, and noted, in as many pieces as it is trained in
                rollout_micro_batch_size=config.prompts,
                compute_logps_micro_batch_size=config.micro_batch or config.prompts,
            ),
            rollout_config=base_rollout.RolloutConfig(
                max_tokens_to_generate=config.max_tokens,
                max_prompt_length=config.max_prompt_tokens,
                kv_cache_size=config.max_prompt_tokens + config.max_tokens,
                temperature=config.temperature,
                top_p=config.top_p,
                top_k=config.top_k or None,
                eos_tokens=tokenizer.stop_ids(),
            ),
        ),
    )


def algorithm(config: GrpoConfig) -> GRPOConfig:
    """Tunix's settings of the algorithm."""
    return GRPOConfig(
        num_generations=config.group,
        num_iterations=1,
        beta=config.beta,
        epsilon=config.epsilon,
        # k3 (joschu.net/blog/kl-approx.html); the default, k1, has an expected gradient of zero
        kl_loss_mode="low_var_kl",
        kl_clamp_value=config.kl_clamp,
    )


def train(
    start: models.Loaded,
    problems: list[Prompt],
    tokenizer: Tokenizer,
    config: GrpoConfig,
    *,
    store: Store,
    run: str,
    measure: Measure,
    heldout_sampling: Sampling,
    heldout_batch: int,
    checkpoints: Path,
    merged: Path,
    metrics: StoreMetrics,
    progress: Progress,
    on_checkpoint: Callable[[int, float], None],
) -> tuple[Path, int]:
    """Train on `problems`; merge the best adapters into `start`; write the folder `merged`.

    Best by `measure` on held-out problems, the start (step 0) included.
    `checkpoints` must not exist: its old steps would take part in the choice of the best.
    Returns the folder and the best step.
    """
    if checkpoints.exists():
        raise models.BadModel(f"{checkpoints} exists; its steps are of another run. Move it away.")
    sampling = Sampling(
        temperature=config.temperature,
        top_k=config.top_k,
        top_p=config.top_p,
        max_prompt_tokens=config.max_prompt_tokens,
        max_tokens=config.max_tokens,
    )
    cluster = cluster_of(start, tokenizer, config, sampling)
    actor = cluster.actor_trainer.model
    cluster.actor_trainer.metrics_logger = metrics
    cluster.actor_trainer._pbar = NoBar()  # type: ignore[assignment]  # quacks like one
    rewards = rewards_of(config)
    recorder = Recorder(store, run, rewards, config.group, metrics, cluster.rollout)  # type: ignore[arg-type]
    learner = Learner(
        rl_cluster=cluster,
        reward_fns=[as_tunix(reward) for reward in rewards],
        metric_fns=[recorder],
        algo_config=algorithm(config),
    )
    generate = generator(actor, tokenizer, heldout_sampling, heldout_batch, start.mesh)
    best = BestAdapters(checkpoints, config.keep)

    def keep(step: int) -> float:
        answer = measure(generate)
        best.save(step, actor, answer)
        metrics.note(step, "heldout/answer", answer)
        on_checkpoint(step, answer)
        return answer

    latest = keep(0)

    def after_step(step: int) -> None:
        nonlocal latest
        if step % config.evaluate_every == 0 or step == config.steps:
            latest = keep(step)
        progress(step, config.steps, {"heldout answer": latest})

    learner.after_step = after_step
    try:
        learner.train(prompt_batches(problems, config))  # type: ignore[arg-type]  # arrays of text
    finally:
        recorder.flush()
        metrics.flush()
    step = best.best()
    best.restore(step, actor)
    best.close()
    merge_adapters(actor, start.model, alpha=config.lora_alpha)
    return models.save(start.model, start.folder, merged), step
