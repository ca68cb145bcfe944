"""Sizes that are compiled into the programs.

They stand here because preflight needs them, too, and must not load jax.
"""

from pipeline.config.model import ModelConfig

ROW_MULTIPLE = 64  # tokens; the length of a training row is a multiple, which suits accelerators
PROMPTS_FRACTION = 8  # the engine reads the prompts of 1/8 of its slots in one call
LOGITS_BYTES = 2**27  # of float32 logits in memory at one time: 128 positions of Gemma 3
# The same on one chip of a kind: a fiftieth of its memory, at most 1,024 positions, from which on
# reading the head again for each chunk costs less than its products.
LOGITS_BYTES_OF = {"t4": 2**27, "v5e": 2**28, "v6e": 2**29, "h100": 2**30, "h200": 2**30}
SCORES_BYTES = 2**26  # of float32 attention scores in memory at one time, in one layer


def logits_bytes(model: ModelConfig) -> int:
    """Bytes of float32 logits in memory at one time, on all chips of the mesh together."""
    of_one = LOGITS_BYTES_OF.get(model.chip, LOGITS_BYTES)
    return of_one * model.fsdp * model.tensor_parallel
