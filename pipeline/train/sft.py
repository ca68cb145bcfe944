"""SFT: adapters of the start model learn to write the completions of examples.

Tunix's `PeftTrainer` takes the optimizer steps. It asks `_steps` for a batch, trains on it, and
comes back for the next one: what happens after a step stands below its `yield`.
"""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import UserError
from data.store import fingerprint
from pipeline.batches import StepOrder, sft_batches
from pipeline.checkpoint import TrainingState
from pipeline.config import SftConfig
from pipeline.loss import sft_loss
from pipeline.model import Tokenizer, Tokens, add_adapters, gemma3, merge_adapters
from pipeline.train import tunix
from pipeline.train.metrics import StepTimer, TrainingRun
from pipeline.train.optimizer import adamw

Batch = dict[str, np.ndarray[Any, Any]]  # see `packing.laid_out`
SHOWN = {"loss": "sft/train/loss"}


def train(
    start: gemma3.Loaded,
    rows: list[Tokens],
    tokenizer: Tokenizer,
    config: SftConfig,
    run: TrainingRun,
) -> Path:
    """Train adapters on `rows`, merge them into the weights of `start`, and write `folder`/merged.

    An interrupted run resumes from `folder`/state if config and examples are the same (else
    UserError): the weights are then, bit for bit, those of a run that was never interrupted.
    """
    if not rows:
        raise UserError(
            f"no example has {config.max_tokens} tokens or fewer; raise max_tokens, or ingest and"
            " convert more records"
        )
    model = add_adapters(
        start.model,
        rank=config.lora_rank,
        alpha=config.lora_alpha,
        seed=config.seed,
        mesh=start.mesh,
    )
    rule = adamw(config, config.steps)
    trainer = tunix.SftTrainer(model, rule, sft_loss, metrics=run.metrics, mesh=start.mesh)
    examples = fingerprint(rows=[row.ids.tolist() for row in rows])
    state = TrainingState(run.folder / "state", {"config": asdict(config), "examples": examples})
    checkpoint = state.restore(model, trainer.optimizer)
    pad = tokenizer.pad_id()
    order = StepOrder(
        sft_batches(rows, config, pad), checkpoint["order"] if checkpoint else None, config.steps
    )
    tunix.resume_trainer(trainer, order.done, micro_batches=1)
    run.metrics.resume(order.done)
    try:
        with start.mesh, run.stop.listening():
            trainer.train(_steps(trainer, order, state, config, run, pad))
        run.metrics.close()
    finally:
        run.metrics.flush()
    state.close()
    merged = run.folder / "merged"
    if not merged.exists():  # else the run was interrupted after it had written the folder
        merge_adapters(model, start.model, alpha=config.lora_alpha)
        gemma3.save(start.model, start.folder, merged)
    return merged


def _steps(
    trainer: tunix.SftTrainer,
    order: StepOrder,
    state: TrainingState,
    config: SftConfig,
    run: TrainingRun,
    pad: int,
) -> Iterator[Batch]:
    """The batches that are left, one for each step."""
    timer = StepTimer()
    for step, batch in enumerate(order.remaining(), order.done + 1):
        yield batch  # Tunix's trainer: loss, gradient, AdamW
        leave = run.stop.should_leave()
        checkpoint = leave or step % config.checkpoint_every == 0 or step == config.steps
        if checkpoint:
            tunix.log_last_step(trainer)
            run.metrics.flush()
            state.save(step, trainer.model, trainer.optimizer, {"order": order.state()})
        tokens = int((batch["ids"] != pad).sum())
        speed = {"tokens/s": timer.tokens_per_second(tokens)}
        timer.start()
        # the loss of the step before, unless this one was just logged
        run.progress(step, config.steps, run.metrics.latest(SHOWN) | speed)
        if leave:
            run.stop.leave()
