"""Tunix's cluster and learner with what this project changes in them.

What the defaults of Tunix 0.1.7 would do instead, and why each is changed, is in
docs/decisions/0003-grpo-that-holds.md.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import Mesh
from tunix.rl import rl_cluster as rl
from tunix.rl.grpo.grpo_learner import GRPOConfig, GRPOLearner
from tunix.rl.rollout import base_rollout
from tunix.sft.sharding_utils import shard_input

from pipeline import distributed
from pipeline.config import GrpoConfig
from pipeline.generate import Completion, Sampling, engine_of, in_order, requests_for
from pipeline.loss import Objective, piece_of, policy_loss, scores_of
from pipeline.model import Tokenizer, add_adapters, gemma3
from pipeline.train import step
from pipeline.train.optimizer import adamw

LOGGED = ("entropy", "pg_clipfrac", "clip_high", "clip_low")


@dataclass(frozen=True)
class Resampling:
    """Groups whose rewards are all the same are sampled again: they teach nothing.

    group: completions of one prompt, which follow each other
    reward: of a prompt and a text
    """

    group: int
    tries: int
    reward: Callable[[str, str], float]

    def silent(self, prompts: Sequence[str], completions: Sequence[Completion]) -> np.ndarray:
        """[groups]  bool"""
        rewards = [
            self.reward(prompt, completion.text)
            for prompt, completion in zip(prompts, completions, strict=True)
        ]
        return np.ptp(np.reshape(rewards, (-1, self.group)), axis=1) == 0


class FreshRollout(base_rollout.BaseRollout):
    """The rollout of GRPO: new seeds at each call, stop tokens kept, all completions noted.

    What is sampled depends on the seed, the number of the call, the prompt and which of its samples
    it is: a run that goes on samples what one that was left alone does. Tunix's own rollout takes
    `seed=None` for the same key at every call, which samples the same texts again.
    """

    def __init__(
        self,
        rollout_actor: nnx.Module,
        tokenizer: object,
        mesh: Mesh,
        rollout_config: base_rollout.RolloutConfig,
        *,
        words: Tokenizer,
        sampling: Sampling,
        slots: int,
        seed: int,
    ) -> None:
        self._engine = engine_of(rollout_actor, words, sampling, slots)
        self._words, self._sampling, self._seed = words, sampling, seed
        self.calls = 0
        self.noted: list[Completion] = []
        self.resampling: Resampling | None = None
        self.resampled = 0  # groups of the last call that were sampled again

    def generate(
        self, prompts: list[str], rollout_config: base_rollout.RolloutConfig, **kwargs
    ) -> base_rollout.RolloutOutput:
        completions = self._sampled(prompts, f"{self.calls} ", range(len(prompts)))
        completions = self._with_a_signal(prompts, completions)
        self.calls += 1
        self.noted += completions
        return base_rollout.RolloutOutput(
            text=[completion.text for completion in completions],
            logits=None,  # type: ignore[arg-type]  # not asked for; Tunix reads it as optional
            tokens=[completion.ids for completion in completions],
            left_padded_prompt_tokens=self._padded(prompts),
            logprobs=None,
        )

    def _sampled(self, prompts: list[str], moment: str, places: Sequence[int]) -> list[Completion]:
        """Completions of those of `prompts` that have `places`, each with the seed of its place."""
        requests = requests_for(prompts, self._sampling, self._seed, moment)
        return in_order(self._engine.generate, [requests[place] for place in places])

    def _with_a_signal(self, prompts: list[str], completions: list[Completion]) -> list[Completion]:
        """Each group as it is, or as the last of its new tries."""
        again, self.resampled = self.resampling, 0
        for attempt in range(again.tries if again else 0):
            assert again is not None
            silent = np.repeat(again.silent(prompts, completions), again.group)
            places = np.flatnonzero(silent).tolist()
            if not places:
                break
            self.resampled = max(self.resampled, len(places) // again.group)
            new = self._sampled(prompts, f"{self.calls} again {attempt} ", places)
            for place, completion in zip(places, new, strict=True):
                completions[place] = completion
        return completions

    def _padded(self, prompts: list[str]) -> np.ndarray:
        """The ids of `prompts`, padded on the left: [prompts, max_prompt_tokens]  int32"""
        length = self._sampling.max_prompt_tokens
        padded = np.full((len(prompts), length), self.pad_id(), np.int32)
        for row, prompt in enumerate(prompts):
            ids = self._words.encode(prompt)
            padded[row, length - len(ids) :] = ids
        return padded

    def get_per_token_logps(
        self, prompt_tokens: jax.Array, completion_tokens: jax.Array
    ) -> jax.Array:
        """[batch, completion]: log-probabilities in nats, at the temperature of sampling."""
        scores = scores_of(
            self.model(),
            prompt_tokens,
            completion_tokens,
            pad=self.pad_id(),
            temperature=self._sampling.temperature,
        )
        return scores.logp

    def update_params(self, params, filter_types=None) -> None:
        """Take over `params`. Where actor and rollout share a model there is nothing to take."""
        nnx.update(self.model(), params)

    def pad_id(self) -> int:
        return self._words.pad_id()

    def eos_id(self) -> int:
        return self._words.eos_id()

    def model(self) -> nnx.Module:
        return self._engine.model


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
        mesh = self.r2m[rl.Role.REFERENCE]
        with mesh:
            for row in range(0, len(prompt_tokens), rows):
                piece = prompt_tokens[row : row + rows], completion_tokens[row : row + rows]
                prompts, completions = (
                    shard_input(part, axis) for part in distributed.spread(piece, mesh)
                )
                scores = scores_of(model, prompts, completions, pad=pad_id, temperature=sampled_at)
                pieces.append(
                    distributed.whole(scores.logp) if distributed.several() else scores.logp
                )
        return jnp.concatenate(pieces)


class Learner(GRPOLearner):
    """Tunix's learner with our loss, that lets something happen after each step."""

    after_step: Callable[[int], None]

    def __init__(
        self, rl_cluster: Cluster, algo_config: GRPOConfig, objective: Objective, **functions
    ) -> None:
        super().__init__(rl_cluster=rl_cluster, algo_config=algo_config, **functions)
        logged = [*LOGGED, *(["kl", "kl_clamped"] if algo_config.beta else [])]
        self.objective = objective

        def loss(model, train_example, algo_config):
            return policy_loss(
                model,
                train_example,
                algo_config,
                pad=rl_cluster.rollout.pad_id(),
                temperature=algo_config.temperature,
                objective=objective,
            )

        rl_cluster.actor_trainer.with_loss_fn(loss, has_aux=True)
        step.use_it(rl_cluster.actor_trainer)
        rl_cluster.actor_trainer.with_rl_metrics_to_log(dict.fromkeys(logged, np.mean))

    def go_on(self, done: int) -> None:
        """Count on after `done` steps."""
        trainer = self.rl_cluster.actor_trainer
        pieces = trainer.config.get_with_default("gradient_accumulation_steps", 1)
        trainer._train_steps, trainer._iter_steps = done, done * pieces
        self.rl_cluster.global_steps = done
        self._iter_steps = self._last_iter_step = done * pieces

    def _generate_and_compute_advantage(self, training_input, mode=rl.Mode.TRAIN):
        """The completions of a whole step; Tunix cuts them into pieces afterwards."""
        made = super()._generate_and_compute_advantage(training_input, mode)
        pieces = self.rl_cluster.actor_trainer.config.get_with_default(
            "gradient_accumulation_steps", 1
        )
        return made if pieces == 1 else piece_of(made, self.objective, pieces)

    def _run_global_step(self, *args, **kwargs) -> None:
        super()._run_global_step(*args, **kwargs)
        self.after_step(self.rl_cluster.global_steps + 1)


def cluster_of(
    start: gemma3.Loaded, tokenizer: Tokenizer, config: GrpoConfig, sampling: Sampling
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
                FreshRollout,
                words=tokenizer,
                sampling=sampling,
                slots=config.prompts * config.group,
                seed=config.seed,
            ),  # type: ignore[arg-type]  # Tunix takes a partial of a subclass as well
            training_config=rl.RLTrainingConfig(
                actor_optimizer=adamw(config, config.steps),
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


def algorithm(config: GrpoConfig, advantage: str = "grpo") -> GRPOConfig:
    """Tunix's settings of the algorithm."""
    return GRPOConfig(
        num_generations=config.group,
        num_iterations=1,
        advantage_estimator=advantage,
        beta=config.beta,
        epsilon=config.epsilon,
        # k3 (joschu.net/blog/kl-approx.html); the default, k1, has an expected gradient of zero
        kl_loss_mode="low_var_kl",
        kl_clamp_value=config.kl_clamp,
    )
