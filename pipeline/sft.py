"""Cold-start supervised fine-tuning: Tunix's PeftTrainer on a Grain dataset, Qwix adapters."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import grain.python as grain
import numpy as np
import optax
import orbax.checkpoint as ocp
from tunix.sft import peft_trainer
from tunix.sft.hooks import TrainingHooks

from pipeline import losses, models, packing
from pipeline.config import LoraConfig, SftConfig
from pipeline.lora import add_adapters, merge_adapters
from pipeline.metrics import StoreMetrics
from pipeline.tokens import Tokenizer, Tokens, example_tokens

Progress = Callable[[int, int, dict[str, float]], None]  # step, of, numbers to show


class NoExamples(ValueError):
    """Nothing is left to train on."""


@dataclass(frozen=True)
class Example:
    """What SFT trains on; see the table `examples`."""

    example_id: str
    prompt: str
    reasoning: str
    answer: str


def optimizer(config: LoraConfig, steps: int) -> optax.GradientTransformation:
    """AdamW behind a clip; the rate rises over the warm-up, then falls as a cosine."""
    schedule = optax.warmup_cosine_decay_schedule(
        init_value=0.0,
        peak_value=config.learning_rate,
        warmup_steps=max(1, round(config.warmup * steps)),
        decay_steps=max(2, steps),
    )
    return optax.chain(
        optax.clip_by_global_norm(config.clip),
        optax.adamw(schedule, b1=0.9, b2=config.beta2, weight_decay=config.weight_decay),
    )


def tokenized(
    examples: list[Example], tokenizer: Tokenizer, max_tokens: int
) -> tuple[list[Tokens], list[str]]:
    """Examples that fit, as tokens; and the ids of those left out for their length."""
    kept, too_long = [], []
    for example in examples:
        row = example_tokens(tokenizer, example.prompt, example.reasoning, example.answer)
        if len(row.ids) <= max_tokens:
            kept.append(row)
        else:
            too_long.append(example.example_id)
    return kept, too_long


def batches(
    rows: list[Tokens], config: SftConfig, pad: int
) -> grain.MapDataset[dict[str, np.ndarray]]:
    """Batches without end, a pure function of seed and step: see `packing.laid_out`.

    All have one shape for the whole run, or one of a few where they are bucketed.
    """
    lengths = [len(row.ids) for row in rows]
    longest = packing.rounded(max(lengths))
    laid_out = partial(packing.laid_out, batch=config.batch, pad=pad)
    if config.batching == "padded":
        order = grain.MapDataset.source(range(len(rows))).shuffle(seed=config.seed).repeat()
        return order.batch(config.batch).map(
            lambda places: laid_out([[rows[place]] for place in places], length=longest)
        )
    if config.batching == "packed":
        room = max(longest, packing.rounded(config.max_tokens))
        steps = packing.packed_steps(lengths, config.batch, room, config.seed)
        widths = [room]
    else:
        steps = packing.bucketed_steps(lengths, config.batch, config.seed)
        widths = packing.widths(longest)

    def batch(step: int) -> dict[str, np.ndarray]:
        chosen = [[rows[place] for place in row] for row in steps(step)]
        filled = max(sum(len(example.ids) for example in row) for row in chosen)
        return laid_out(chosen, length=packing.width_of(filled, widths))

    return grain.MapDataset.range(sys.maxsize).map(batch)


class Watch(TrainingHooks):
    """Tells the progress bar of each step."""

    def __init__(self, progress: Progress, steps: int) -> None:
        self.progress, self.steps = progress, steps

    def on_train_step_end(self, train_ctx, train_step, train_loss) -> None:
        self.progress(int(train_step), self.steps, {"loss": float(train_loss)})

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


def train(
    start: models.Loaded,
    rows: list[Tokens],
    tokenizer: Tokenizer,
    config: SftConfig,
    *,
    checkpoints: Path,
    merged: Path,
    metrics: StoreMetrics,
    progress: Progress,
) -> Path:
    """Train adapters on `rows`, merge them into the weights of `start`, write the folder `merged`.

    `checkpoints` must not exist: Tunix would silently go on from what it finds there.
    """
    if checkpoints.exists():
        raise models.BadModel(f"{checkpoints} exists; Tunix would resume it. Move it away first.")
    if not rows:
        raise NoExamples(
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
    pad = tokenizer.pad_id()
    trainer = peft_trainer.PeftTrainer(
        model,
        optimizer(config, config.steps),
        peft_trainer.TrainingConfig(
            eval_every_n_steps=config.steps + 1,
            max_steps=config.steps,
            checkpoint_root_directory=str(checkpoints.resolve()),
            checkpointing_options=ocp.CheckpointManagerOptions(
                save_interval_steps=config.checkpoint_every, max_to_keep=config.keep
            ),
            metrics_prefix="sft",
        ),
        metrics_logger=metrics,
    )
    trainer.with_loss_fn(losses.sft_loss)
    trainer.with_training_hooks(Watch(progress, config.steps))
    trainer._pbar = NoBar()  # type: ignore[assignment]
    try:
        with start.mesh:
            trainer.train(_bounded(batches(rows, config, pad), config.steps))
    finally:
        metrics.flush()
    merge_adapters(model, start.model, alpha=config.lora_alpha)
    return models.save(start.model, start.folder, merged)


def _bounded(dataset: grain.MapDataset, steps: int):
    """The first `steps` batches: Tunix would read one more before it sees that it is done."""
    for step in range(steps):
        batch = dataset[step]
        assert batch is not None
        yield {name: np.asarray(value) for name, value in batch.items()}
