"""All of Tunix 0.1.7's trainers that this project touches: what it uses, overrides and sets.

SFT trains by `PeftTrainer`, DPO by `DPOTrainer`, GRPO by `GRPOLearner`. No other file of this
project imports `tunix.rl` or `tunix.sft`, so a new version of Tunix is a change of this file. Its
test names the version, and checks that each private name that is used here exists
(tests/pipeline/train/test_tunix.py).

What Tunix does by default, and why it is changed here: docs/decisions/0003-grpo-that-holds.md.
"""

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax.sharding import Mesh
from tunix.rl import algo_core, rl_cluster as rl
from tunix.rl.grpo.grpo_learner import GRPOConfig, GRPOLearner
from tunix.rl.rollout import base_rollout
from tunix.sft import peft_trainer
from tunix.sft.dpo.dpo_trainer import DPOTrainer, DPOTrainingConfig
from tunix.sft.metrics_logger import MetricsLogger
from tunix.sft.sharding_utils import shard_input
from tunix.sft.utils import build_positions_from_mask, make_causal_attn_mask

from pipeline import distributed
from pipeline.config import GrpoConfig
from pipeline.loss import (
    EPSILON,
    Objective,
    PolicyExample,
    PreferenceObjective,
    policy_loss,
    preference_loss,
    scores_of,
    with_divisor,
)
from pipeline.model import Tokenizer, add_adapters, gemma3
from pipeline.train.metrics import StoreMetrics
from pipeline.train.optimizer import adamw
from pipeline.train.step import TrainStep

Loss = Callable[..., Any]
Columns = dict[str, Any]  # of a batch: name -> array
LOGGED = ("entropy", "pg_clipfrac", "clip_high", "clip_low")
DISAGREEMENT = ("mismatch", "mismatch_tokens", "capped")  # of sampler and trainer


# Both trainers


class Logger(MetricsLogger):
    """Sends Tunix's metrics to `metrics`; those of the `updates` on one batch as their mean.

    It has no backend: Tunix's own starts wandb if that can be imported, and its `close` clears
    every listener of the process, those of the next stage too.
    """

    def __init__(self, metrics: StoreMetrics, updates: int = 1) -> None:
        super().__init__(None)
        self.metrics, self.updates = metrics, updates
        self._of_batch: dict[str, list[float]] = {}

    def log(self, metrics_prefix, metric_name, scalar_value, mode, step) -> None:
        """step: the number of the update, from 1"""
        value = float(np.mean(np.asarray(scalar_value, dtype=np.float64)))
        name = "/".join(part for part in (metrics_prefix, str(mode), metric_name) if part)
        values = self._of_batch.setdefault(name, [])
        values.append(value)
        if step % self.updates == 0:
            self.metrics.note(int(step) // self.updates, name, float(np.mean(values)))
            values.clear()

    def close(self) -> None:
        self.metrics.close()


# what Tunix's step reads of its trainer
READ = ("loss_fn", "gen_model_input_fn", "_has_aux", "_lora_enabled")


def use_own_step(
    trainer: peft_trainer.PeftTrainer, optimizer: optax.GradientTransformation, mesh: Mesh | None
) -> None:
    """Let `trainer`, made with `optimizer`, take our compiled step (step.py). Its loss must be set.

    In several processes, each gives it whole batches, of which its devices take their rows.
    """
    if mesh is not None:
        trainer._prepare_inputs = functools.partial(distributed.spread, mesh=mesh)  # type: ignore[method-assign]
        with mesh:
            trainer._shard_optimizer(mesh)
    read = {name: vars(trainer)[name] for name in READ}
    without_weights = object.__new__(peft_trainer.PeftTrainer)
    vars(without_weights).update(read)
    micro_batches = trainer.config.gradient_accumulation_steps
    step = TrainStep(
        without_weights.create_train_step_fn(),
        trainer.model,
        trainer.optimizer,
        depends_on=[read, optimizer, micro_batches, mesh],
    )
    # Tunix compiles its own step where this is None, and expects a partial with a `jitted_fn`
    trainer._jitted_train_step_fn = functools.partial(step)  # type: ignore[assignment]


def resume_trainer(trainer: peft_trainer.PeftTrainer, steps_done: int, micro_batches: int) -> None:
    """Count on after `steps_done` steps; metrics and checkpoints are named by the count."""
    trainer._train_steps, trainer._iter_steps = steps_done, steps_done * micro_batches


def log_last_step(trainer: peft_trainer.PeftTrainer) -> None:
    """Log the metrics of the last step now: Tunix waits for the next step to overlap the two."""
    trainer._write_train_metrics()


# SFT


class SftTrainer(peft_trainer.PeftTrainer):
    """Tunix's trainer, with our step and metrics.

    It trains on all batches that `train` is given: checkpoints, progress and the number of steps
    are up to who yields them (sft.py). Tunix's checkpoints hold neither the state of the data
    iterator nor the configuration that the run started with.
    """

    def __init__(
        self,
        model: nnx.Module,
        optimizer: optax.GradientTransformation,
        loss: Loss,
        *,
        metrics: StoreMetrics,
        mesh: Mesh | None,
    ) -> None:
        # without max_steps there is no progress bar of Tunix; ours shows the whole job
        config = peft_trainer.TrainingConfig(eval_every_n_steps=1, metrics_prefix="sft")
        super().__init__(model, optimizer, config, metrics_logger=Logger(metrics))
        self.is_managed_externally = True  # do not skip the first batches of a resumed run
        self.with_loss_fn(loss)
        self.with_gen_model_input_fn(dict)  # as they are
        use_own_step(self, optimizer, mesh)


# DPO

OF_PAIRS = ("rewards/chosen", "rewards/rejected", "rewards/margin", "rewards/accuracy",
            "log_probs/chosen", "log_probs/rejected")  # fmt: skip
OF_REFERENCE = ("change/chosen", "change/rejected", "kl")


class PreferenceTrainer(DPOTrainer):
    """Tunix's trainer of DPO and ORPO, with our loss, step and metrics.

    Tunix's own keeps a second model in memory for the reference, and the logits of whole
    completions. Here the reference's log-probabilities come with the batch.
    """

    def __init__(
        self,
        model: nnx.Module,
        optimizer: optax.GradientTransformation,
        objective: PreferenceObjective,
        *,
        metrics: StoreMetrics,
        mesh: Mesh | None,
    ) -> None:
        config = DPOTrainingConfig(eval_every_n_steps=1, metrics_prefix="dpo")
        super().__init__(model, None, optimizer, config)
        self.metrics_logger = Logger(metrics)
        self.is_managed_externally = True  # do not skip the first batches of a resumed run
        self.with_loss_fn(_PreferenceLoss(objective), has_aux=True)
        self.with_gen_model_input_fn(dict)  # as they are
        names = OF_PAIRS if objective.loss == "orpo" else (*OF_PAIRS, *OF_REFERENCE)
        self._aux_metrics_to_log = dict.fromkeys(names, np.mean)
        use_own_step(self, optimizer, mesh)


@dataclass(frozen=True)
class _PreferenceLoss:
    """The loss of one objective; equal to another one of equal values."""

    objective: PreferenceObjective

    def __call__(
        self,
        model: nnx.Module,
        ids: jax.Array,
        completion: jax.Array,
        segments: jax.Array,
        reference: jax.Array,
    ) -> Any:
        return preference_loss(model, ids, completion, segments, reference, self.objective)


# GRPO


class ActorOnly(base_rollout.BaseRollout):
    """The rollout engine of Tunix's cluster, which only asks it for the model and token ids.

    Completions are sampled by our engine, in grpo.py. Tunix's own rollout takes `seed=None` for the
    same key at every call, which samples the same texts again. The two methods that raise are
    abstract in Tunix's class, so they must be here; its learner never calls them as we use it.
    """

    def __init__(self, rollout_actor: nnx.Module, tokenizer: Any, mesh: Mesh, rollout_config: Any):
        self._model, self._tokenizer = rollout_actor, tokenizer

    def model(self) -> nnx.Module:
        return self._model

    def pad_id(self) -> int:
        return self._tokenizer.pad_id()

    def eos_id(self) -> int:
        return self._tokenizer.eos_id()

    def update_params(self, params: Any, filter_types: Any = None) -> None:
        nnx.update(self._model, params)

    def generate(self, prompts: Any, rollout_config: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("completions are sampled by pipeline/train/grpo.py")

    def get_per_token_logps(self, prompt_tokens: Any, completion_tokens: Any) -> Any:
        raise NotImplementedError("completions are scored by pipeline/train/grpo.py")


class GrpoLearner(GRPOLearner):
    """Tunix's learner with our examples, loss, step and metrics.

    For each batch of problems, a step, Tunix asks for a `PolicyExample`, cuts it into micro-batches
    and updates the weights by their mean gradient, `config.updates` times. `train_on` is given what
    happens before and after that. Tunix's trainer counts updates.
    """

    def __init__(
        self,
        start: gemma3.Loaded,
        tokenizer: Tokenizer,
        config: GrpoConfig,
        objective: Objective,
        metrics: StoreMetrics,
    ) -> None:
        super().__init__(
            rl_cluster=_cluster(start, tokenizer, config),
            algo_config=algorithm(config),
            reward_fns=[_no_reward],
        )
        self.start, self.objective, self.pad = start, objective, tokenizer.pad_id()
        self.temperature, self.group = config.temperature, config.group
        self.rows = (config.micro_batch or config.prompts) * config.group  # of a micro-batch
        self.micro_batches = config.prompts // (config.micro_batch or config.prompts)
        self.updates = config.updates
        self._before_update: Callable[[Columns], PolicyExample]
        self._after_update: Callable[[int], None]
        self.trainer = self.rl_cluster.actor_trainer
        self.trainer.config.max_steps = None  # no progress bar of Tunix; ours shows the whole job
        self.trainer.metrics_logger = Logger(metrics, config.updates)
        self.trainer.with_gen_model_input_fn(_as_example)
        loss = _PolicyLoss(objective, self.pad, config.temperature)
        self.trainer.with_loss_fn(loss, has_aux=True)
        logged = [*LOGGED, *DISAGREEMENT, *(["kl", "kl_clamped"] if config.beta else [])]
        self.trainer.with_rl_metrics_to_log(dict.fromkeys(logged, np.mean))
        use_own_step(self.trainer, adamw(config, config.steps * config.updates), start.mesh)

    @property
    def actor(self) -> nnx.Module:
        """The policy that is trained: the start's weights with adapters."""
        return self.trainer.model

    @property
    def step(self) -> int:
        """The step that is being taken, from 1."""
        return self.rl_cluster.global_steps + 1

    def resume(self, steps_done: int) -> None:
        resume_trainer(self.trainer, steps_done * self.updates, self.micro_batches)
        self.rl_cluster.global_steps = steps_done
        self._iter_steps = self._last_iter_step = self.trainer._iter_steps

    def train_on(
        self,
        batches: Iterable[Columns],
        before_update: Callable[[Columns], PolicyExample],
        after_update: Callable[[int], None],
    ) -> None:
        """Take one step for each of `batches`, of `config.updates` updates.

        before_update: takes a batch, each row repeated `group` times; gives what is trained on
        after_update: takes the number of the step
        """
        self._before_update, self._after_update = before_update, after_update
        self.train(batches)  # type: ignore[arg-type]  # arrays of text

    def reference_logp(self, prompts: jax.Array, completions: jax.Array) -> jax.Array:
        """[batch, completion]: log-probability of each token under the start [nats]."""
        return self._logp(self.start.model, prompts, completions)

    def policy_logp(self, prompts: jax.Array, completions: jax.Array) -> jax.Array:
        """[batch, completion]: log-probability of each token under the policy as it is [nats]."""
        return self._logp(self.actor, prompts, completions)

    def _logp(self, model: nnx.Module, prompts: jax.Array, completions: jax.Array) -> jax.Array:
        """At the temperature of sampling, a micro-batch at a time."""
        mesh, parts = self.start.mesh, []
        with mesh:
            for row in range(0, len(prompts), self.rows):
                part = prompts[row : row + self.rows], completions[row : row + self.rows]
                inputs = (shard_input(array, ("fsdp",)) for array in distributed.spread(part, mesh))
                logp = scores_of(model, *inputs, pad=self.pad, temperature=self.temperature).logp
                parts.append(distributed.whole(logp) if distributed.several() else logp)
        return jnp.concatenate(parts)

    def _generate_and_compute_advantage(self, training_input: Columns, mode: Any = None) -> Any:
        """What Tunix trains on. It cuts this into micro-batches by rows."""
        example = self._before_update(training_input)
        if self.micro_batches == 1:
            return example
        return with_divisor(example, self.objective, self.micro_batches)

    def _run_global_step(self, *args: Any, **kwargs: Any) -> None:
        super()._run_global_step(*args, **kwargs)
        self._after_update(self.step)


@dataclass(frozen=True)
class _PolicyLoss:
    """The loss of one objective; equal to another one of equal values."""

    objective: Objective
    pad: int
    temperature: float

    def __call__(self, model: nnx.Module, example: PolicyExample) -> Any:
        return policy_loss(
            model, example, self.objective, pad=self.pad, temperature=self.temperature
        )


def _no_reward(prompts: Any, completions: Any, **columns: Any) -> list[float]:
    """What Tunix's learner wants at its start, and never calls as we use it."""
    raise NotImplementedError("rewards are computed by pipeline/train/grpo.py")


def _as_example(example: PolicyExample) -> dict[str, Any]:
    """The arguments of the loss besides the model."""
    return {"example": example}


def _cluster(start: gemma3.Loaded, tokenizer: Tokenizer, config: GrpoConfig) -> rl.RLCluster:
    """Tunix's cluster of one model: the start's weights with adapters."""
    actor = add_adapters(
        start.model,
        rank=config.lora_rank,
        alpha=config.lora_alpha,
        seed=config.seed,
        mesh=start.mesh,
    )
    updates = config.steps * config.updates
    return rl.RLCluster(
        actor=actor,
        tokenizer=tokenizer,
        cluster_config=rl.ClusterConfig(
            role_to_mesh=dict.fromkeys((rl.Role.ACTOR, rl.Role.ROLLOUT), start.mesh),
            rollout_engine=ActorOnly,
            training_config=rl.RLTrainingConfig(
                actor_optimizer=adamw(config, updates),
                eval_every_n_steps=updates + 1,
                max_steps=updates,
                mini_batch_size=config.prompts,
                train_micro_batch_size=config.micro_batch or config.prompts,
                # a whole step is sampled at once, however many micro-batches it is trained in
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
    """Tunix's settings of the algorithm. Of these, our loss reads none."""
    settings = GRPOConfig(
        num_generations=config.group,
        num_iterations=config.updates,
        beta=config.beta,
        epsilon=config.epsilon or EPSILON,
        kl_loss_mode="low_var_kl",  # k3, as ours
        kl_clamp_value=config.kl_clamp,
    )
    vars(settings)["temperature"] = config.temperature  # the learner sets it to the same value
    return settings


# Preflight and comparisons


def untrained(
    model: nnx.Module,
    optimizer: optax.GradientTransformation,
    loss: Loss,
    *,
    has_aux: bool,
    micro_batches: int = 1,
) -> tuple[Callable[..., Any], nnx.Optimizer]:
    """The step function and the optimizer of a trainer, which may consist of shapes."""
    trainer = peft_trainer.PeftTrainer(
        model,
        optimizer,
        peft_trainer.TrainingConfig(
            eval_every_n_steps=1,
            gradient_accumulation_steps=micro_batches if micro_batches > 1 else None,
        ),
        metrics_logger=object(),  # type: ignore[arg-type]  # nothing is logged
    )
    trainer.with_loss_fn(loss, has_aux=has_aux)
    return trainer.create_train_step_fn(), trainer.optimizer


def default_sft_loss(
    model: nnx.Module, ids: jax.Array, completion: jax.Array, segments: jax.Array
) -> Any:
    """Tunix's own SFT loss, with dense attention, on a batch of ours."""
    present = segments != 0
    positions, mask = build_positions_from_mask(present), make_causal_attn_mask(present)
    return peft_trainer._default_loss_fn(model, ids, completion, positions, mask)


def default_policy_loss(
    model: nnx.Module, example: PolicyExample, config: GrpoConfig, *, pad: int, eos: int
) -> Any:
    """Tunix's own GRPO loss on an example of ours."""
    return algo_core.grpo_loss_fn(model, example, algorithm(config), pad, eos)
