"""GRPO (arXiv:2402.03300): sample groups of completions, reward them, train on their advantages.

Tunix's learner drives the loop. For each batch of problems it calls `before_update`, takes one
optimizer step with our loss (pipeline/loss/policy.py), and calls `after_update`. These two methods
are a step from top to bottom; pipeline/train/tunix.py hands them to the learner.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import jax.numpy as jnp
import numpy as np

from data.store import fingerprint
from evals.rollouts import group_advantages
from pipeline import distributed
from pipeline.batches import (
    Prompt,
    StepOrder,
    padded_left,
    padded_right,
    prompt_batches,
    within,
)
from pipeline.checkpoint import BestAdapters, RecentAdapters, TrainingState
from pipeline.config import GrpoConfig
from pipeline.evaluate.judge import judge_of_groups
from pipeline.generate import completer
from pipeline.loss import PolicyExample, objective_of
from pipeline.model import Tokenizer, adapter_of, gemma3, merge_adapters, save_adapter
from pipeline.train import tunix
from pipeline.train.guards import Collapsing, Guard, GuardState
from pipeline.train.heldout import Best, Heldout
from pipeline.train.metrics import StepTimer, TrainingRun
from pipeline.train.optimizer import reset_momentum
from pipeline.train.rewards import Group, Rollout, rewards_of, rewards_of_group
from pipeline.train.rollouts import GroupSampler, RolloutLog, StepRollouts

OF_MEAN = "heldout/answer_of_mean"
SHOWN = {
    "reward": "rollout/reward",
    "format": "rollout/format",
    "answer": "rollout/answer",
    "tokens": "rollout/tokens",
    "KL": "actor/train/kl",
}


def train(
    start: gemma3.Loaded,
    problems: list[Prompt],
    tokenizer: Tokenizer,
    config: GrpoConfig,
    heldout: Heldout,
    run: TrainingRun,
) -> Best:
    """Train on `problems`; merge the best adapters into `start` and write `run.folder`/merged.

    The best step is that of the highest held-out accuracy, the start (step 0) included. At signs
    of collapse the run stops or is rolled back to the best step, as `config.guard` says.
    An interrupted run resumes from `run.folder`/state if config and problems are the same (else
    UserError): weights and rollouts are then those of a run that was never interrupted.
    """
    training = GrpoTraining(start, problems, tokenizer, config, heldout, run)
    training.resume()
    try:
        with run.stop.listening():
            if not training.is_done():
                with suppress(Collapsing):
                    training.learner.train_on(
                        training.order.remaining(), training.before_update, training.after_update
                    )
            training.evaluate_mean()
    finally:
        training.flush()
    return training.finish()


class GrpoTraining:
    """One run: what it trains, samples with and writes to, and its step."""

    def __init__(
        self,
        start: gemma3.Loaded,
        problems: list[Prompt],
        tokenizer: Tokenizer,
        config: GrpoConfig,
        heldout: Heldout,
        run: TrainingRun,
    ) -> None:
        self.start, self.problems, self.tokenizer = start, problems, tokenizer
        self.config, self.heldout, self.run = config, heldout, run
        objective = objective_of(config, tokenizer.stop_ids())
        self.learner = tunix.GrpoLearner(start, tokenizer, config, objective, run.metrics)
        self.actor, self.optimizer = self.learner.actor, self.learner.trainer.optimizer
        self.generate = completer(self.actor, tokenizer, heldout.sampling, heldout.batch)
        self.rewards = rewards_of(config)
        self.sampler = GroupSampler(
            self.actor,
            start.mesh,
            tokenizer,
            problems,
            self.rewards,
            config,
            judge_of_groups(run.metrics.store, config.judge) if config.judge else None,
        )
        self.log = RolloutLog(run.metrics, self.rewards, config.group)
        self.best = BestAdapters(run.folder / "adapters", config.keep)
        self.recent = (
            RecentAdapters(run.folder / "recent", config.average) if config.average else None
        )
        self.mean_step = config.steps + 1  # the mean of the last adapters is saved as one more step
        started_with = {
            "config": asdict(config),
            "problems": fingerprint(problems=[asdict(problem) for problem in problems]),
            "heldout": asdict(heldout.sampling),
        }
        if config.resample:  # before, groups of equal rewards were sampled again
            started_with["resample"] = "groups without mixed answers, by groups of other problems"
        self.state = TrainingState(run.folder / "state", started_with)
        self.timer = StepTimer()

    def resume(self) -> None:
        """Continue from the last checkpoint, or evaluate the start as step 0."""
        checkpoint = self.state.restore(self.actor, self.optimizer) or {}
        self.evaluation_seconds = float(checkpoint.get("evaluation_seconds", 0.0))  # longest so far
        self.run.stop.reserve(self.evaluation_seconds)
        self.order = StepOrder(
            prompt_batches(self.problems, self.config), checkpoint.get("order"), self.config.steps
        )
        self.run.metrics.resume(self.order.done)
        self.log.resume()
        self.sampler.resume(self.run.metrics, self.order.done)
        self.learner.resume(self.order.done)
        guard = GuardState(**checkpoint.get("guard", {}))
        self.guard = Guard(self.config.guard, self.heldout.count, self.run.metrics, guard)
        self.accuracy = checkpoint["accuracy"] if checkpoint else self.evaluate(0)
        self.timer.start()

    def is_done(self) -> bool:
        return self.order.done >= self.config.steps or self.guard.state.stopped_at is not None

    def before_update(self, batch: dict[str, Any]) -> PolicyExample:
        """Generate, judge each completion once, reward, compute advantages, log the rollouts.

        batch: columns of `prompt_batches`; Tunix repeats each row `config.group` times
        """
        step, config = self.learner.step, self.config
        groups, discarded = self.sampler.sample_step(batch, step)  # generate, and judge once
        rewards = np.stack([rewards_of_group(group, self.rewards) for group in groups])
        advantages = group_advantages(rewards, config.variant, config.scale)
        sampled = StepRollouts(step, groups, rewards.ravel(), advantages.ravel(), discarded)
        self.log.record(sampled)
        return self.example(groups, advantages.ravel())

    def after_update(self, step: int) -> None:
        """Log, evaluate and keep the best, act on guards, save a checkpoint, leave if asked."""
        config = self.config
        tunix.log_last_step(self.learner.trainer)
        shown = self.shown_numbers()
        if step % config.evaluate_every == 0 or step == config.steps:
            self.accuracy = self.evaluate(step)
        self.run.progress(step, config.steps, {"heldout answer": self.accuracy, **shown})
        action = self.guard.after(step)
        if action == "roll-back":
            self.best.restore(self.best.best(), self.actor)
            if self.recent:
                self.recent.drop_after(self.best.best())
            reset_momentum(self.optimizer)  # the old momentum would push back towards the collapse
        leave = self.run.stop.should_leave()
        if leave or action or step % config.checkpoint_every == 0 or step == config.steps:
            self.save(step)
        if leave:
            self.run.stop.leave()
        if action == "stop":
            raise Collapsing
        self.timer.start()

    def example(self, groups: Sequence[Group], advantages: np.ndarray) -> PolicyExample:
        """The arrays of the loss. Completions hold their stop token, so stopping is trained.

        Where a batch gets one update, the old policy is the policy itself.
        """
        pad = self.tokenizer.pad_id()
        rollouts = [rollout for group in groups for rollout in group.rollouts]
        prompts = [group.problem.prompt for group in groups for _ in group.rollouts]
        ids = [self.tokenizer.encode(prompt) for prompt in prompts]
        prompt_ids = jnp.array(padded_left(ids, self.config.max_prompt_tokens, pad))
        completions = [rollout.completion.ids for rollout in rollouts]
        completion_ids = jnp.array(padded_right(completions, self.config.max_tokens, pad))
        reference = (
            self.learner.reference_logp(prompt_ids, completion_ids) if self.config.beta else None
        )
        old = None
        if self.config.updates > 1:
            old = self.learner.policy_logp(prompt_ids, completion_ids)
        return PolicyExample(  # type: ignore[call-arg]  # flax makes its __init__
            prompt_ids=prompt_ids,
            completion_ids=completion_ids,
            completion_mask=jnp.array(within(completions, self.config.max_tokens)),
            advantages=jnp.asarray(advantages),
            ref_per_token_logps=reference,
            old_per_token_logps=old,
            sampled_logps=jnp.array(logps_padded(rollouts, self.config.max_tokens)),
        )

    def evaluate(self, step: int) -> float:
        """Held-out answer accuracy now; the adapters are saved with it."""
        started = time.monotonic()
        accuracy = self.heldout.measure(self.generate)
        self.evaluation_seconds = max(self.evaluation_seconds, time.monotonic() - started)
        self.run.stop.reserve(self.evaluation_seconds)
        self.best.save(step, self.actor, accuracy)
        if self.recent:
            self.recent.save(step, self.actor)
        self.run.metrics.note(step, "heldout/answer", accuracy)
        self.heldout.on_checkpoint(step, accuracy)
        return accuracy

    def evaluate_mean(self) -> None:
        """Evaluate the mean of the last evaluated adapters: one more candidate for the best.

        Not of a run that a guard has stopped: its last adapters have collapsed.
        """
        recent, metrics = self.recent, self.run.metrics
        if recent is None or self.guard.state.stopped_at is not None or len(recent.steps()) < 2:
            return
        if distributed.minimum(int(OF_MEAN in metrics.series)):  # by a call before this one
            return
        if self.run.stop.should_leave():
            self.run.stop.leave()
        recent.restore_mean(self.actor)
        accuracy = self.heldout.measure(self.generate)
        self.best.save(self.mean_step, self.actor, accuracy)
        metrics.note(recent.steps()[-1], OF_MEAN, accuracy)

    def shown_numbers(self) -> dict[str, float]:
        """The newest numbers, for the progress display; parts of the reward by their names."""
        metrics = self.run.metrics
        parts = {name: name for name in metrics.series if name.startswith("reward/")}
        shown = metrics.latest(SHOWN | parts)
        if "tokens" in shown:
            tokens = shown["tokens"] * self.config.prompts * self.config.group
            shown["tokens/s"] = self.timer.tokens_per_second(tokens)
        return shown

    def save(self, step: int) -> None:
        self.flush()
        checkpoint = {
            "order": self.order.state(),
            "accuracy": self.accuracy,
            "guard": self.guard.as_json(),
            "evaluation_seconds": self.evaluation_seconds,
        }
        self.state.save(step, self.actor, self.optimizer, checkpoint)

    def flush(self) -> None:
        self.log.flush()
        self.run.metrics.flush()

    def finish(self) -> Best:
        """Merge the adapters of the best step into the start, and write the folder.

        They stay in PEFT's layout beside it.
        """
        merged, guard, averaged = self.run.folder / "merged", self.guard.state, []
        self.run.metrics.close()
        step = self.best.best()
        if self.recent and step == self.mean_step:
            averaged = self.recent.steps()
        best = Best(
            merged,
            averaged[-1] if averaged else step,
            self.best.answer(step),
            averaged,
            guard.signs,
            guard.stopped_at,
        )
        if not merged.exists():  # else the run was interrupted after it had written the folder
            self.best.restore(step, self.actor)
            model: Any = self.actor  # a Gemma 3, which Tunix calls a module
            save_adapter(adapter_of(model, self.config.lora_alpha), self.run.folder / "peft")
            merge_adapters(self.actor, self.start.model, alpha=self.config.lora_alpha)
            gemma3.save(self.start.model, self.start.folder, merged)
        for checkpoints in (self.best, self.recent, self.state):
            if checkpoints:
                checkpoints.close()
        return best


def logps_padded(rollouts: Sequence[Rollout], length: int) -> np.ndarray:
    """[rollouts, length]  float32: the sampler's log-probability of each token, then zeros."""
    padded = np.zeros((len(rollouts), length), np.float32)
    for row, rollout in enumerate(rollouts):
        logprobs = rollout.completion.logprobs
        assert logprobs is not None
        padded[row, : len(logprobs)] = logprobs
    return padded
