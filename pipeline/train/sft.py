"""Cold-start supervised fine-tuning: Tunix's PeftTrainer on a Grain dataset, Qwix adapters."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from flax import nnx
from tunix.sft import peft_trainer
from tunix.sft.hooks import TrainingHooks

from data.errors import UserError
from data.progress import Progress
from data.store import fingerprint
from pipeline.batches import StepOrder, sft_batches
from pipeline.checkpoint import TrainingState
from pipeline.config import SftConfig
from pipeline.loss import policy
from pipeline.model import Tokenizer, Tokens, add_adapters, gemma3, merge_adapters
from pipeline.stopping import Stop
from pipeline.train import step as train_step
from pipeline.train.metrics import StoreMetrics
from pipeline.train.optimizer import adamw


class Watch(TrainingHooks):
    """Tells the progress bar of each step."""

    def __init__(self, progress: Progress, steps: int) -> None:
        self.progress, self.steps = progress, steps
        self.tokens: deque[int] = deque()  # of batches on their way: some are taken ahead
        self.since = time.monotonic()

    def on_train_step_end(self, train_ctx, train_step, train_loss) -> None:
        now = time.monotonic()
        speed = self.tokens.popleft() / max(now - self.since, 1e-9)
        self.since = now
        told = {"loss": float(train_loss), "tokens/s": speed}
        self.progress(int(train_step), self.steps, told)

    def counted(self, batches: Iterable[dict[str, np.ndarray]], pad: int):
        """`batches`, whose tokens are counted on the way."""
        for batch in batches:
            if batch:  # those that a resumed run skips are empty, and end no step
                self.tokens.append(int((batch["ids"] != pad).sum()))
            yield batch

    def on_train_start(self, train_ctx) -> None: ...

    def on_train_end(self, train_ctx) -> None: ...

    def on_train_step_start(self, train_ctx) -> None: ...

    def on_eval_step_start(self, train_ctx) -> None: ...

    def on_eval_step_end(self, train_ctx, eval_loss) -> None: ...


class NoBar:
    """Stands where Tunix would draw its own progress bar: ours shows the whole job."""

    def update_metrics(self, *args, **kwargs) -> None: ...

    def update(self, n: int = 1) -> None: ...

    def close(self) -> None: ...


class Keeper:
    """Stands where Tunix's own checkpoints would: keeps what a resumed run needs, and leaves.

    Tunix's own hold neither the iterator's state nor what the run was begun with.
    """

    def __init__(self, state: TrainingState, every: int, stop: Stop) -> None:
        self.state, self.every, self.stop = state, every, stop
        self.before_save: Callable[[], dict[str, Any]] = dict  # returns the place
        self.last = state.latest()

    def save(
        self, step: int, model: nnx.Module, optimizer: nnx.Optimizer, force: bool = False, **_
    ) -> None:
        """Called by Tunix after each step, and once more, by force, after the last one."""
        leave = self.stop.should_leave() and not force
        if (force or leave or step % self.every == 0) and step > self.last:
            self.state.save(step, model, optimizer, self.before_save())
            self.last = step
        if leave:
            self.stop.leave()

    def latest_step(self) -> int:
        return self.last

    def close(self) -> None:
        self.state.close()


def train(
    start: gemma3.Loaded,
    rows: list[Tokens],
    tokenizer: Tokenizer,
    config: SftConfig,
    *,
    folder: Path,
    metrics: StoreMetrics,
    progress: Progress,
    stop: Stop | None = None,
) -> Path:
    """Train adapters on `rows`, merge them into the weights of `start`, write `folder`/merged.

    What is kept in `folder`/state is gone on with, if it was begun with the same (UserError
    else): the weights are then those of a run that was left alone, bit for bit.
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
    pad, stop = tokenizer.pad_id(), stop or Stop()
    trainer = peft_trainer.PeftTrainer(
        model,
        adamw(config, config.steps),
        peft_trainer.TrainingConfig(
            eval_every_n_steps=config.steps + 1, max_steps=config.steps, metrics_prefix="sft"
        ),
        metrics_logger=metrics,
    )
    trainer.with_loss_fn(policy.sft_loss)
    train_step.use_it(trainer)
    watch = Watch(progress, config.steps)
    trainer.with_training_hooks(watch)
    trainer._pbar = NoBar()  # type: ignore[assignment]
    read = fingerprint(rows=[row.ids.tolist() for row in rows])
    state = TrainingState(folder / "state", {"config": asdict(config), "examples": read})
    place = state.restore(model, trainer.optimizer)
    order = StepOrder(
        sft_batches(rows, config, pad), place["order"] if place else None, config.steps
    )
    trainer._train_steps = trainer._iter_steps = order.done
    metrics.go_on(order.done)
    trainer.checkpoint_manager = keeper = Keeper(state, config.checkpoint_every, stop)  # type: ignore[assignment]  # quacks like one

    def at_save() -> dict[str, Any]:
        trainer._write_train_metrics()  # those of this step, which it holds back for the next
        metrics.flush()
        return {"order": order.state()}

    keeper.before_save = at_save
    try:
        with start.mesh, stop.listening():
            trainer.train(watch.counted(order, pad))
    finally:
        metrics.flush()
    merged = folder / "merged"
    if merged.exists():  # the run was broken off after it was written
        return merged
    merge_adapters(model, start.model, alpha=config.lora_alpha)
    return gemma3.save(start.model, start.folder, merged)
