"""The knobs that both training stages have: adapters, optimizer, warm-up."""

from dataclasses import dataclass

from pipeline.config.checks import BadConfig, above, at_least, check_choices, check_seed
from pipeline.config.knobs import knob

LOGS = ("tensorboard", "wandb")  # where metrics can be written besides the store


@dataclass(frozen=True, kw_only=True)
class LoraConfig:
    """Adapters and optimizer: the knobs that both training stages have."""

    lora_rank: int = knob(16, "rank of the LoRA adapters")
    lora_alpha: float = knob(
        32.0, "scale of the adapters: their output is multiplied by alpha / rank"
    )
    learning_rate: float = knob(1e-4, "peak learning rate, reached after the warm-up")
    warmup: float = knob(0.1, "share of the steps in which the learning rate rises", "fraction")
    weight_decay: float = knob(0.0, "weight decay of AdamW")
    beta2: float = knob(0.99, "decay of AdamW's second moment")
    clip: float = knob(1.0, "gradients with a larger global norm are scaled down to it")
    keep: int = knob(
        3, "how many checkpoints stay on disk: of SFT the latest, of GRPO the best", "checkpoints"
    )
    seed: int = knob(0, "random seed of data order, adapter initialisation and sampling")

    def __post_init__(self) -> None:
        check_choices(self)
        check_seed(self)
        at_least(self, 1, "lora_rank", "keep")
        at_least(self, 0, "weight_decay")
        above(self, 0, "learning_rate", "lora_alpha", "clip")
        above(self, 0, "beta2", most=1)
        if not 0 <= self.warmup < 1:
            raise BadConfig(f"warmup must be a fraction from 0 to below 1, got {self.warmup}")


def warmup_steps(warmup: float, steps: int) -> int:
    """Steps in which the learning rate rises; BadConfig where none is left for it to fall."""
    rising = max(1, round(warmup * steps))
    if rising >= max(2, steps):
        raise BadConfig(
            f"warmup is {warmup}, so the learning rate would rise in all {steps} steps and never"
            " fall; lower warmup, or train more steps"
        )
    return rising
