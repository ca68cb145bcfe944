"""What a step needs, by arithmetic alone: no compiler, no jax, an answer at once.

Operations are those of the matrices that are multiplied, counted exactly. Memory is what must lie
there at once, to about ERROR of what the compiler says for a TPU v6e
(tests/pipeline/preflight/test_preflight.py).
"""

from pipeline.config import LOGITS_BYTES, SCORES_BYTES, Preset
from pipeline.preflight.needs import Needs
from pipeline.preflight.sizes import BYTES, Sizes, config_of, sizes_in
from pipeline.preflight.steps import Step, pieces_of

FLOAT = 4  # bytes of scores, logits and sums; of adapters and their moments, whatever the base is
# Copies of a layer's own tensors that are alive in its backward pass, as fitted to the compiler.
COPIES = 1.3


def estimated(step: Step, preset: Preset, memory: int) -> Needs:
    """The needs of `step` on one chip of the preset's mesh, which has `memory` bytes."""
    sizes = sizes_in(config_of(preset.model.model))
    parts = _parts(step, preset, sizes)
    temporaries = _temporaries(step, preset, sizes)
    # what is written before the old may go
    outputs = {"prefill": parts["prompts"], "sft": parts["adapters"], "update": parts["adapters"]}
    peak = sum(parts.values()) + outputs.get(step.kind, 0) + temporaries
    chips = preset.model.fsdp * preset.model.tensor_parallel
    remat = preset.model.remat and step.loss == "ours"
    return Needs(
        how="estimated",
        parts=parts,
        temporaries=temporaries,
        peak=peak,
        fits=peak <= memory,
        flops=flops(step, sizes, remat=remat) / chips,
        moved=float(_moved(step, parts, remat=remat)),
    )


def _parts(step: Step, preset: Preset, sizes: Sizes) -> dict[str, int]:
    """Bytes on one chip of what the program is called with, and of what lies beside it."""
    model = preset.model
    width, chips = BYTES[model.dtype], model.fsdp * model.tensor_parallel
    rank = step.rank or (preset.grpo.lora_rank if "adapters" in step.beside else 0)
    held = sizes.adapters(rank) * FLOAT // chips if rank else 0
    optimizer = 2 * held if step.trains or "optimizer" in step.beside else 0
    if optimizer and (step.pieces if step.trains else pieces_of(preset)) > 1:
        optimizer += held  # the gradients that are added up, which stay from step to step
    rows = -(-step.rows // model.fsdp)
    cache = prompts = 0
    if step.samples:
        heads = -(-sizes.kv_heads // model.tensor_parallel)
        column = 2 * heads * sizes.head_dim * width  # a key and a value
        read = -(-step.at_once // model.fsdp)
        cache = rows * column * sizes.columns(step.tokens)
        prompts = read * (column * sizes.layers * step.prompt + sizes.vocabulary * width)
    return {
        "weights": sizes.parameters * width // chips,
        "adapters": held,
        "optimizer": optimizer,
        "cache": cache,
        "prompts": prompts,
        "batch": rows * step.tokens * 9,
    }


def _moved(step: Step, parts: dict[str, int], *, remat: bool) -> int:
    """Bytes that one call reads or writes at least, were everything else kept on the chip.

    Training reads the weights forward, backward, and with `remat` forward once more.
    """
    weights = parts["weights"] + parts["adapters"]
    if step.trains:
        return (3 if remat else 2) * weights + 2 * parts["optimizer"]
    if step.kind == "insert":
        return 2 * parts["prompts"]
    return weights + (parts["cache"] if step.kind == "decode" else 0)


def _temporaries(step: Step, preset: Preset, sizes: Sizes) -> int:
    model, width = preset.model, BYTES[preset.model.dtype]
    rows = -(-step.rows // model.fsdp)
    split = model.tensor_parallel
    if step.samples:
        rows = -(-(step.rows if step.kind == "decode" else step.at_once) // model.fsdp)
    if step.kind == "decode":
        return rows * sizes.vocabulary * FLOAT * 2
    if step.kind == "insert":  # what goes into the slots is gathered first
        return rows * sizes.vocabulary * FLOAT * 2 + _parts(step, preset, sizes)["prompts"]
    tokens = rows * (step.prompt if step.kind == "prefill" else step.tokens)
    length = step.prompt if step.kind == "prefill" else step.tokens
    ours = step.loss == "ours"
    blocked = ours and model.block_attention and step.kind != "prefill"
    dense = rows * sizes.heads * length * length * FLOAT // split
    scores = min(SCORES_BYTES, dense) if blocked else dense
    features, inner = sizes.features, sizes.heads * sizes.head_dim
    own = tokens * (4 * features + (3 * sizes.hidden + 4 * inner) // split) * width
    layer = own + 2 * scores
    logits = (tokens if step.trains else rows * step.completion) * sizes.vocabulary * FLOAT
    logits = min(LOGITS_BYTES, logits) if ours else logits
    if not step.trains:
        return int(layer + (0 if step.kind == "prefill" else logits))
    kept = tokens * features * width
    if ours and model.remat:
        return int(sizes.layers * kept + COPIES * layer + 2 * logits)
    return int(sizes.layers * (own + scores * width / FLOAT) + logits)


def flops(step: Step, sizes: Sizes, *, remat: bool) -> float:
    """Operations of one call over all chips, two for each product and sum.

    The engine reads as many prompts as it takes at once; putting them into slots multiplies
    nothing. Training goes forward, back through the frozen weights, and with `remat` forward once
    more; the scores of attention have two factors to go back to, the frozen weights one.
    """
    if step.kind == "insert":
        return 0.0
    if step.kind == "decode":
        rows, length, seen = step.rows, 1, step.tokens
    elif step.kind == "prefill":
        rows, length, seen = step.at_once, step.prompt, step.prompt
    else:
        rows, length, seen = step.rows, step.tokens, step.tokens
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
