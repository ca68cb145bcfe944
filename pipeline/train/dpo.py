"""DPO and its relatives: adapters of the start model learn which of two answers is preferred.

Tunix's trainer takes the optimizer steps. It asks `_steps` for a batch, trains on it, and comes
back for the next one: what happens after a step stands below its `yield`.
"""

import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import UserError
from data.store import fingerprint
from pipeline import distributed
from pipeline.batches import (
    PairTokens,
    StepOrder,
    preference_batches,
    row_length,
    rows_of_pairs,
)
from pipeline.checkpoint import BestAdapters, TrainingState
from pipeline.config import DpoConfig
from pipeline.generate import completer
from pipeline.loss import completion_logps_program, preference_objective
from pipeline.model import Tokenizer, add_adapters, gemma3, merge_adapters
from pipeline.train import tunix
from pipeline.train.guards import Guard, GuardState
from pipeline.train.heldout import Best, Heldout
from pipeline.train.metrics import StepTimer, TrainingRun
from pipeline.train.optimizer import adamw, reset_momentum

Batch = dict[str, np.ndarray[Any, Any]]
REFERENCE = "reference.npy"  # of the run's folder
SHOWN = {
    "loss": "dpo/train/loss",
    "margin": "dpo/train/rewards/margin",
    "preferred": "dpo/train/rewards/accuracy",
    "chosen": "dpo/train/change/chosen",
}


def train(
    start: gemma3.Loaded,
    pairs: list[PairTokens],
    tokenizer: Tokenizer,
    config: DpoConfig,
    heldout: Heldout,
    run: TrainingRun,
) -> Best:
    """Train on `pairs`; merge the best adapters into `start` and write `run.folder`/merged.

    The best step is that of the highest held-out accuracy, the start (step 0) included. At signs
    of collapse the run stops or is rolled back to the best step, as `config.guard` says.
    An interrupted run resumes from `run.folder`/state if config and pairs are the same (else
    UserError): the weights are then, bit for bit, those of a run that was never interrupted.
    """
    if len(pairs) < config.batch:
        raise UserError(
            f"{len(pairs)} pairs have rows of {config.max_tokens} tokens or fewer, and a step needs"
            f" {config.batch}; raise dpo.max_tokens, lower dpo.batch, or sample more answers"
        )
    training = DpoTraining(start, pairs, tokenizer, config, heldout, run)
    try:
        with start.mesh:  # from the start: the engine would compile again for another context
            training.resume()
            with run.stop.listening():
                training.trainer.train(training.steps())
    finally:
        run.metrics.flush()
    return training.finish()


class DpoTraining:
    """One run: what it trains and writes to, and its steps."""

    def __init__(
        self,
        start: gemma3.Loaded,
        pairs: list[PairTokens],
        tokenizer: Tokenizer,
        config: DpoConfig,
        heldout: Heldout,
        run: TrainingRun,
    ) -> None:
        self.start, self.config, self.heldout, self.run = start, config, heldout, run
        self.pad = tokenizer.pad_id()
        self.model = add_adapters(
            start.model,
            rank=config.lora_rank,
            alpha=config.lora_alpha,
            seed=config.seed,
            mesh=start.mesh,
        )
        self.trainer = tunix.PreferenceTrainer(
            self.model,
            adamw(config, config.steps),
            preference_objective(config),
            metrics=run.metrics,
            mesh=start.mesh,
        )
        self.generate = completer(self.model, tokenizer, heldout.sampling, heldout.batch)
        self.best = BestAdapters(run.folder / "adapters", config.keep)
        self.batches = preference_batches(
            pairs, reference_logps(start, pairs, config, self.pad, run.folder), config, self.pad
        )
        started_with = {
            "config": asdict(config),
            "pairs": fingerprint(rows=[_ids(pair) for pair in pairs]),
            "heldout": asdict(heldout.sampling),
        }
        self.state = TrainingState(run.folder / "state", started_with)

    def resume(self) -> None:
        """Continue from the last checkpoint, or evaluate the start as step 0."""
        checkpoint = self.state.restore(self.model, self.trainer.optimizer) or {}
        self.evaluation_seconds = float(checkpoint.get("evaluation_seconds", 0.0))  # longest so far
        self.run.stop.reserve(self.evaluation_seconds)
        self.order = StepOrder(self.batches, checkpoint.get("order"), self.config.steps)
        tunix.resume_trainer(self.trainer, self.order.done, micro_batches=1)
        self.run.metrics.resume(self.order.done)
        guard = GuardState(**checkpoint.get("guard", {}))
        self.guard = Guard(self.config.guard, self.heldout.count, self.run.metrics, guard)
        self.accuracy = checkpoint["accuracy"] if checkpoint else self.evaluate(0)

    def steps(self) -> Iterator[Batch]:
        """The batches that are left, one for each step."""
        if self.guard.state.stopped_at is not None:
            return
        timer = StepTimer()
        for step, batch in enumerate(self.order.remaining(), self.order.done + 1):
            yield batch  # Tunix takes the step (loss, gradient, AdamW) while this generator waits
            tunix.log_last_step(self.trainer)
            tokens = int((batch["ids"] != self.pad).sum())
            shown = self.run.metrics.latest(SHOWN) | {"tokens/s": timer.tokens_per_second(tokens)}
            is_last = self.after_step(step, shown)
            if is_last:
                return
            timer.start()

    def after_step(self, step: int, shown: dict[str, float]) -> bool:
        """Evaluate and keep the best, act on guards, save; whether a guard stops the run."""
        config = self.config
        if step % config.evaluate_every == 0 or step == config.steps:
            self.accuracy = self.evaluate(step)
        self.run.progress(step, config.steps, {"heldout answer": self.accuracy, **shown})
        action = self.guard.after(step)
        if action == "roll-back":
            self.best.restore(self.best.best(), self.model)
            reset_momentum(self.trainer.optimizer)
        leave = self.run.stop.should_leave()
        if leave or action or step % config.checkpoint_every == 0 or step == config.steps:
            self.save(step)
        if leave:
            self.run.stop.leave()
        return action == "stop"

    def evaluate(self, step: int) -> float:
        """Held-out answer accuracy now; the adapters are saved with it."""
        started = time.monotonic()
        accuracy = self.heldout.measure(self.generate)
        self.evaluation_seconds = max(self.evaluation_seconds, time.monotonic() - started)
        self.run.stop.reserve(self.evaluation_seconds)
        self.best.save(step, self.model, accuracy)
        self.run.metrics.note(step, "heldout/answer", accuracy)
        self.heldout.on_checkpoint(step, accuracy)
        return accuracy

    def save(self, step: int) -> None:
        self.run.metrics.flush()
        checkpoint = {
            "order": self.order.state(),
            "accuracy": self.accuracy,
            "guard": self.guard.as_json(),
            "evaluation_seconds": self.evaluation_seconds,
        }
        self.state.save(step, self.model, self.trainer.optimizer, checkpoint)

    def finish(self) -> Best:
        """Merge the adapters of the best step into the start, and write the folder."""
        merged, guard = self.run.folder / "merged", self.guard.state
        self.run.metrics.close()
        step = self.best.best()
        best = Best(merged, step, self.best.answer(step), [], guard.signs, guard.stopped_at)
        if not merged.exists():  # else the run was interrupted after it had written the folder
            self.best.restore(step, self.model)
            merge_adapters(self.model, self.start.model, alpha=self.config.lora_alpha)
            gemma3.save(self.start.model, self.start.folder, merged)
        self.best.close()
        self.state.close()
        return best


def _ids(pair: PairTokens) -> list[list[int]]:
    return [pair.chosen.ids.tolist(), pair.rejected.ids.tolist()]


def reference_logps(
    start: gemma3.Loaded, pairs: list[PairTokens], config: DpoConfig, pad: int, folder: Path
) -> np.ndarray:
    """[pairs, 2]  float32: log-probability of chosen and rejected under the start model [nats].

    Computed once, and kept in `folder` for a run that resumes. ORPO has no reference: zeros.
    """
    if config.loss == "orpo":
        return np.zeros((len(pairs), 2), np.float32)
    path = folder / REFERENCE
    if path.exists():
        return np.load(path)
    program, weights = completion_logps_program(start.model)
    length, parts = row_length(pairs), []
    for first in range(0, len(pairs), config.batch):
        some = pairs[first : first + config.batch]
        # the last ones are filled up, so that the program has one shape
        rows = rows_of_pairs([*some, *[some[-1]] * (config.batch - len(some))], length, pad)
        with start.mesh:
            batch = distributed.spread(tuple(rows.values()), start.mesh)
            logp = program(weights, *batch).logp
            whole = distributed.whole(logp) if distributed.several() else logp
        parts.append(np.asarray(whole).reshape(2, -1).T[: len(some)])
    reference = np.concatenate(parts).astype(np.float32)
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".partial.npy")
    np.save(unfinished, reference)
    unfinished.replace(path)
    return reference
