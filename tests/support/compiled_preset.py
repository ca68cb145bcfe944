"""The preset v6e-1 with the batches and lengths at which TPU figures in the tests were compiled."""

from pipeline.config import Preset
from pipeline.presets import load_preset


def as_compiled() -> Preset:
    """Without a chip, so that 128 MiB of logits are in memory at one time, as they were then."""
    rows = {"prompts": 4, "group": 8, "micro_batch": 1, "max_tokens": 768}
    return (
        load_preset("v6e-1")
        .with_knobs("model", chip="")
        .with_knobs("sft", batch=1, max_tokens=4096, steps=4000)
        .with_knobs("grpo", **rows, steps=1000)
        .with_knobs("eval", batch=64, max_tokens=768)
    )
