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
from pipeline.model import (
    Tokenizer,
    Tokens,
    adapter_of,
    add_adapters,
    gemma3,
    merge_adapters,
    save_adapter,
)
from pipeline.train import tunix
from pipeline.train.metrics import StepTimer, TrainingRun
from pipeline.train.optimizer import adamw

Batch = dict[str, np.ndarray[Any, Any]]  # the arrays of `packing.batch_of`
SHOWN = {"loss": "sft/train/loss"}


def train(
    start: gemma3.Loaded,
    examples: list[Tokens],
    tokenizer: Tokenizer,
    config: SftConfig,
    run: TrainingRun,
) -> Path:
    """Train adapters on `examples`, merge them into `start`, and write `run.folder`/merged.

    The adapters stay in `run.folder`/peft.
    An interrupted run resumes from `run.folder`/state if config and examples are the same (else
    UserError): the weights are then, bit for bit, those of a run that was never interrupted.
    """
    if not examples:
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
    optimizer = adamw(config, config.steps)
    trainer = tunix.SftTrainer(model, optimizer, sft_loss, metrics=run.metrics, mesh=start.mesh)
    examples_hash = fingerprint(rows=[example.ids.tolist() for example in examples])
    started_with = {"config": asdict(config), "examples": examples_hash}
    state = TrainingState(run.folder / "state", started_with)
    checkpoint = state.restore(model, trainer.optimizer)
    pad = tokenizer.pad_id()
    order = StepOrder(
        sft_batches(examples, config, pad),
        checkpoint["order"] if checkpoint else None,
        config.steps,
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
        save_adapter(adapter_of(model, config.lora_alpha), run.folder / "peft")
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
        yield batch  # Tunix takes the step (loss, gradient, AdamW) while this generator waits
        leave = run.stop.should_leave()
        save_now = leave or step % config.checkpoint_every == 0 or step == config.steps
        if save_now:
            tunix.log_last_step(trainer)
            run.metrics.flush()
            state.save(step, trainer.model, trainer.optimizer, {"order": order.state()})
        tokens = int((batch["ids"] != pad).sum())
        speed = {"tokens/s": timer.tokens_per_second(tokens)}
        timer.start()
        # Tunix logs one step late: the previous step's loss, unless `log_last_step` ran
        run.progress(step, config.steps, run.metrics.latest(SHOWN) | speed)
        if leave:
            run.stop.leave()
