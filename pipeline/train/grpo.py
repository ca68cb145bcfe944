"""GRPO (arXiv:2402.03300): sample groups of completions, reward them, train on their advantages.

Tunix's learner drives the loop. For each batch of problems it calls `before_update`, takes one
optimizer step with our loss (pipeline/loss/policy.py), and calls `after_update`. These two methods
are a step from top to bottom; pipeline/train/tunix.py hands them to the learner.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from data.store import fingerprint
from evals.rollouts import group_advantages, has_signal
from pipeline.batches import Prompt, StepOrder, padded_left, padded_right, prompt_batches, within
from pipeline.checkpoint import BestAdapters, TrainingState
from pipeline.config import GrpoConfig
from pipeline.generate import Generate, Sampling, completer, engine_of, in_order, requests_for
from pipeline.loss import PolicyExample, objective_of
from pipeline.model import Tokenizer, gemma3, merge_adapters
from pipeline.train import tunix
from pipeline.train.guards import Collapsing, Guard, GuardState
from pipeline.train.metrics import StepTimer, TrainingRun
from pipeline.train.optimizer import reset_momentum
from pipeline.train.rewards import Reward, Rollout, judge_rollout, rewards_of, total_reward
from pipeline.train.rollout_log import RolloutLog, StepRollouts

SHOWN = {
    "reward": "rollout/reward",
    "format": "rollout/format",
    "answer": "rollout/answer",
    "tokens": "rollout/tokens",
    "KL": "actor/train/kl",
}


@dataclass(frozen=True)
class Heldout:
    """Problems that are evaluated during training, and not trained on.

    measure:       takes a function that generates, and returns its answer accuracy
    count:         number of problems
    sampling:      how they are answered, `batch` at a time
    on_checkpoint: is called with step and accuracy when the adapters of the step are saved
    """

    measure: Callable[[Generate], float]
    count: int
    sampling: Sampling
    batch: int
    on_checkpoint: Callable[[int, float], None]


@dataclass(frozen=True)
class Best:
    """The best step: its merged folder and held-out answer accuracy.

    signs:      of collapse, in order
    stopped_at: the step after which a guard ended the run, or None
    """

    merged: Path
    step: int
    answer: float
    signs: list[str]
    stopped_at: int | None


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
        if not training.is_done():
            with run.stop.listening(), suppress(Collapsing):
                training.learner.train_on(
                    training.order.remaining(), training.before_update, training.after_update
                )
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
        self.sampling = Sampling(
            temperature=config.temperature,
            top_k=config.top_k,
            top_p=config.top_p,
            max_prompt_tokens=config.max_prompt_tokens,
            max_tokens=config.max_tokens,
        )
        slots = config.prompts * config.group
        self.engine = engine_of(self.actor, tokenizer, self.sampling, slots)
        self.generate = completer(self.actor, tokenizer, heldout.sampling, heldout.batch)
        self.rewards = rewards_of(config)
        self.log = RolloutLog(run.metrics, self.rewards, config.group)
        self.best = BestAdapters(run.folder / "adapters", config.keep)
        started_with = {
            "config": asdict(config),
            "problems": fingerprint(problems=[asdict(problem) for problem in problems]),
            "heldout": asdict(heldout.sampling),
        }
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
        step = self.learner.step
        rollouts, resampled = self.sample_groups(batch, step)  # generate, and judge once
        rewards = total_reward(np.array([rollout.parts for rollout in rollouts]), self.rewards)
        groups, config = rewards.reshape(-1, self.config.group), self.config
        advantages = group_advantages(groups, config.variant, config.scale).ravel()
        problem_ids = [str(problem_id) for problem_id in batch["problem_id"]]
        self.log.record(StepRollouts(step, problem_ids, rollouts, rewards, advantages, resampled))
        return self.example(batch, rollouts, advantages)

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
            reset_momentum(self.optimizer)  # the old momentum would push back towards the collapse
        leave = self.run.stop.should_leave()
        if leave or action or step % config.checkpoint_every == 0 or step == config.steps:
            self.save(step)
        if leave:
            self.run.stop.leave()
        if action == "stop":
            raise Collapsing
        self.timer.start()

    def sample_groups(self, batch: dict[str, Any], step: int) -> tuple[list[Rollout], int]:
        """A rollout of each row of `batch`, and how many groups were sampled again.

        A group is sampled again, up to `config.resample` times, while its rewards are all equal, as
        its advantages would be 0.
        """
        rows = list(zip(batch["prompts"], batch["gold"], strict=True))
        salt = f"{step - 1} "  # the number of finished steps; runs of before sampled with it
        rollouts = self.sample(rows, range(len(rows)), salt)
        resampled = 0
        for attempt in range(self.config.resample):
            positions = positions_without_signal(rollouts, self.rewards, self.config.group)
            if not positions:
                break
            # the first attempt resamples the most groups
            resampled = max(resampled, len(positions) // self.config.group)
            again = self.sample(rows, positions, f"{salt}again {attempt} ")
            for position, rollout in zip(positions, again, strict=True):
                rollouts[position] = rollout
        return rollouts, resampled

    def sample(
        self, rows: Sequence[tuple[str, str]], positions: Sequence[int], salt: str
    ) -> list[Rollout]:
        """A completion of each of `rows` (prompt, reference answer) at `positions`, judged.

        The seed of each follows from its prompt, which of the prompt's samples it is, and `salt`:
        a resumed run samples what a run without interruption samples.
        """
        prompts = [str(prompt) for prompt, _ in rows]
        requests = requests_for(prompts, self.sampling, self.config.seed, salt, logprobs=True)
        with self.start.mesh:
            completions = in_order(self.engine.generate, [requests[p] for p in positions])
        return [
            judge_rollout(completion, str(rows[position][1]), self.rewards)
            for position, completion in zip(positions, completions, strict=True)
        ]

    def example(
        self, batch: dict[str, Any], rollouts: Sequence[Rollout], advantages: np.ndarray
    ) -> PolicyExample:
        """The arrays of the loss. Completions hold their stop token, so stopping is trained.

        There is one update for each batch, so the old policy is the policy itself.
        """
        pad = self.tokenizer.pad_id()
        ids = [self.tokenizer.encode(str(prompt)) for prompt in batch["prompts"]]
        prompt_ids = jnp.array(padded_left(ids, self.config.max_prompt_tokens, pad))
        completions = [rollout.completion.ids for rollout in rollouts]
        completion_ids = jnp.array(padded_right(completions, self.config.max_tokens, pad))
        reference = (
            self.learner.reference_logp(prompt_ids, completion_ids) if self.config.beta else None
        )
        return PolicyExample(  # type: ignore[call-arg]  # flax makes its __init__
            prompt_ids=prompt_ids,
            completion_ids=completion_ids,
            completion_mask=jnp.array(within(completions, self.config.max_tokens)),
            advantages=jnp.asarray(advantages),
            ref_per_token_logps=reference,
            sampled_logps=jnp.array(logps_padded(rollouts, self.config.max_tokens)),
        )

    def evaluate(self, step: int) -> float:
        """Held-out answer accuracy now; the adapters are saved with it."""
        started = time.monotonic()
        accuracy = self.heldout.measure(self.generate)
        self.evaluation_seconds = max(self.evaluation_seconds, time.monotonic() - started)
        self.run.stop.reserve(self.evaluation_seconds)
        self.best.save(step, self.actor, accuracy)
        self.run.metrics.note(step, "heldout/answer", accuracy)
        self.heldout.on_checkpoint(step, accuracy)
        return accuracy

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
        """Merge the adapters of the best step into the start, and write the folder."""
        self.run.metrics.close()
        step, merged = self.best.best(), self.run.folder / "merged"
        guard = self.guard.state
        best = Best(merged, step, self.best.answer(step), guard.signs, guard.stopped_at)
        if not merged.exists():  # else the run was interrupted after it had written the folder
            self.best.restore(step, self.actor)
            merge_adapters(self.actor, self.start.model, alpha=self.config.lora_alpha)
            gemma3.save(self.start.model, self.start.folder, merged)
        self.best.close()
        self.state.close()
        return best


def logps_padded(rollouts: Sequence[Rollout], length: int) -> np.ndarray:
    """[rollouts, length]  float32: the sampler's log-probability of each token, then zeros."""
    padded = np.zeros((len(rollouts), length), np.float32)
    for row, rollout in enumerate(rollouts):
        logprobs = rollout.completion.logprobs
        assert logprobs is not None
        padded[row, : len(logprobs)] = logprobs
    return padded


def positions_without_signal(
    rollouts: Sequence[Rollout], rewards: Sequence[Reward], group: int
) -> list[int]:
    """Positions of the rollouts whose group has equal rewards."""
    totals = total_reward(np.array([rollout.parts for rollout in rollouts]), rewards)
    no_signal = ~has_signal(totals.reshape(-1, group))
    return np.flatnonzero(np.repeat(no_signal, group)).tolist()
