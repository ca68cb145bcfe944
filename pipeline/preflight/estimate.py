"""What a step needs, by arithmetic alone: no compiler, no jax, an answer at once.

Operations are those of the matrices that are multiplied, counted exactly. Memory is what must lie
there at once, to about ERROR of what the compiler says for a TPU v6e (tests/test_preflight.py).
"""

from pipeline.config import Preset
from pipeline.preflight.needs import Needs
from pipeline.preflight.sizes import BYTES, Sizes, config_of, sizes_in
from pipeline.preflight.steps import Step

LOGITS = 2**27  # bytes of logits that are there at once; see token_scores.LOGITS_BYTES
SCORES = 2**26  # bytes of attention's scores, likewise; see attention.SCORES_BYTES
FLOAT = 4  # bytes of scores, logits and sums; of adapters and their moments, whatever the base is
# Copies of a layer's own tensors that are alive in its backward pass, as fitted to the compiler.
COPIES = 1.3


def estimated(step: Step, preset: Preset, memory: int) -> Needs:
    """The needs of `step` on one chip of the preset's mesh, which has `memory` bytes."""
    sizes = sizes_in(config_of(preset.model.model))
    parts = _parts(step, preset, sizes)
    temporaries = _temporaries(step, preset, sizes)
    outputs = parts["adapters"] if step.trains else 0  # what is written before the old may go
    peak = sum(parts.values()) + outputs + temporaries
    chips = preset.model.fsdp * preset.model.tensor_parallel
    return Needs(
        how="estimated",
        parts=parts,
        temporaries=temporaries,
        peak=peak,
        fits=peak <= memory,
        flops=flops(step, sizes, remat=preset.model.remat and step.loss == "ours") / chips,
        moved=float(parts["weights"] + parts["cache"]),
    )


def _parts(step: Step, preset: Preset, sizes: Sizes) -> dict[str, int]:
    """Bytes on one chip of what the program is called with, and of what lies beside it."""
    model = preset.model
    width, chips = BYTES[model.dtype], model.fsdp * model.tensor_parallel
    rank = step.rank or (preset.grpo.lora_rank if "adapters" in step.beside else 0)
    held = sizes.adapters(rank) * FLOAT // chips if rank else 0
    optimizer = 2 * held if step.trains or "optimizer" in step.beside else 0
    if step.pieces > 1:
        optimizer += held  # the gradients that are added up
    rows = -(-step.rows // model.fsdp)
    cache = 0
    if step.kind in ("prefill", "decode"):
        heads = -(-sizes.kv_heads // model.tensor_parallel)
        cache = 2 * sizes.layers * rows * step.tokens * heads * sizes.head_dim * width
    return {
        "weights": sizes.parameters * width // chips,
        "adapters": held,
        "optimizer": optimizer,
        "cache": cache,
        "batch": rows * step.tokens * 9,
    }


def _temporaries(step: Step, preset: Preset, sizes: Sizes) -> int:
    model, width = preset.model, BYTES[preset.model.dtype]
    rows = -(-step.rows // model.fsdp)
    split = model.tensor_parallel
    if step.kind == "decode":
        return rows * sizes.vocabulary * FLOAT * 2
    tokens = rows * (step.prompt if step.kind == "prefill" else step.tokens)
    length = step.prompt if step.kind == "prefill" else step.tokens
    ours = step.loss == "ours"
    blocked = ours and model.block_attention and step.kind != "prefill"
    dense = rows * sizes.heads * length * length * FLOAT // split
    scores = min(SCORES, dense) if blocked else dense
    features, inner = sizes.features, sizes.heads * sizes.head_dim
    own = tokens * (4 * features + (3 * sizes.hidden + 4 * inner) // split) * width
    layer = own + 2 * scores
    logits = (tokens if step.trains else rows * step.completion) * sizes.vocabulary * FLOAT
    logits = min(LOGITS, logits) if ours else logits
    if not step.trains:
        return int(layer + (0 if step.kind == "prefill" else logits))
    kept = tokens * features * width
    if ours and model.remat:
        return int(sizes.layers * kept + COPIES * layer + 2 * logits)
    return int(sizes.layers * (own + scores * width / FLOAT) + logits)


def flops(step: Step, sizes: Sizes, *, remat: bool) -> float:
    """Operations of one call over all chips, two for each product and sum.

    Training goes forward, back through the frozen weights, and with `remat` forward once more;
    the scores of attention have two factors to go back to, the frozen weights one.
    """
    if step.kind == "decode":
        rows, length, seen = step.rows, 1, step.tokens
    else:
        rows, seen = step.rows, step.prompt if step.kind == "prefill" else step.tokens
        length = seen
    layers = 2.0 * sizes.layers * sizes.layer_weights * rows * length
    scored = 1 if step.kind == "prefill" else length if step.kind == "decode" else step.completion
    head = 2.0 * sizes.vocabulary * sizes.features * rows * scored
    windowed = min(seen, 2 * sizes.window) if step.loss == "ours" else seen
    local = sizes.layers - sizes.global_layers
    looked = sizes.global_layers * seen + local * windowed
    attention = 4.0 * sizes.heads * sizes.head_dim * rows * length * looked
    adapters = 2.0 * sizes.adapters(step.rank) * rows * length if step.rank else 0.0
    forward = layers + attention + head + adapters
    if not step.trains:
        return forward
    back = layers + 2 * attention + head + 2 * adapters
    again = layers + attention + head + adapters if remat else 0.0
    return forward + back + again
