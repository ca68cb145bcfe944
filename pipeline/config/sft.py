"""The knobs of supervised fine-tuning."""

from dataclasses import dataclass

from pipeline.config.checks import at_least
from pipeline.config.knobs import knob
from pipeline.config.training import LoraConfig, warmup_steps

BATCHINGS = ("padded", "bucketed", "packed")


@dataclass(frozen=True, kw_only=True)
class SftConfig(LoraConfig):
    """Cold-start supervised fine-tuning (SFT): teaches the format."""

    batch: int = knob(16, "rows per optimizer step", "rows")
    batching: str = knob(
        "padded",
        "how examples become rows. padded: one example per row, all rows of the same length;"
        " bucketed: one per row, rows of similar length in one batch; packed: several examples in"
        " each row of max_tokens",
        choices=BATCHINGS,
        before="padded",
    )
    steps: int = knob(200, "optimizer steps", "steps")
    max_tokens: int = knob(
        1024,
        "longest example, prompt included; longer ones are left out, never truncated",
        "tokens",
    )
    checkpoint_every: int = knob(100, "steps between two checkpoints", "steps")

    def __post_init__(self) -> None:
        LoraConfig.__post_init__(self)
        at_least(self, 1, "batch", "steps", "max_tokens", "checkpoint_every")
        warmup_steps(self.warmup, self.steps)
