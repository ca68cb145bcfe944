"""What a step needs, by arithmetic: immediately, without a compiler and without jax.

Operations are those of the matrix products, counted exactly. Memory is the peak, within a fifth of
what the compiler says for a TPU v6e (tests/pipeline/preflight/test_estimate.py).
"""

from pipeline.config import SCORES_BYTES, Preset, logits_bytes
from pipeline.preflight.needs import Needs
from pipeline.preflight.sizes import BYTES, Sizes, config_of, sizes_in
from pipeline.preflight.steps import OF_ROWS, TRAINING, Step, pieces_of

# Bytes of a float32: scores, logits and sums; adapters and their moments, whatever the base model's
# precision is.
FLOAT = 4
BATCH_BYTES = 9  # per token of a batch: two int32 and a bool
# Copies of a layer's tensors that exist during its backward pass, fitted to the compiler's figures.
COPIES = 1.3


def estimated(step: Step, preset: Preset, memory: int) -> Needs:
    """The needs of `step` on one chip of the preset's mesh. memory: bytes of the chip"""
    sizes = sizes_in(config_of(preset.model.model))
    parts = _parts(step, preset, sizes)
    temporaries = _temporaries(step, preset, sizes) + _gathered(step, preset, sizes)
    # outputs that are written while the arguments are still in memory
    outputs = {"prefill": parts["prompts"], **dict.fromkeys(TRAINING, parts["adapters"])}
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
        moved=float(_moved(step, preset, sizes, parts, remat=remat)),
    )


def _parts(step: Step, preset: Preset, sizes: Sizes) -> dict[str, int]:
    """Bytes on one chip of the program's arguments, and of what is in memory beside it."""
    model = preset.model
    width, chips = BYTES[model.dtype], model.fsdp * model.tensor_parallel
    rank = step.rank or (preset.grpo.lora_rank if "adapters" in step.beside else 0)
    adapters = sizes.adapters(rank) * FLOAT // chips if rank else 0
    optimizer = 2 * adapters if step.trains or "optimizer" in step.beside else 0
    if optimizer and (step.pieces if step.trains else pieces_of(preset)) > 1:
        optimizer += adapters  # the sum of gradients, which stays in memory from step to step
    rows = -(-step.rows // model.fsdp)
    cache = prompts = 0
    if step.samples:
        heads = -(-sizes.kv_heads // model.tensor_parallel)
        column = 2 * heads * sizes.head_dim * width  # a key and a value
        read = -(-step.prompts_per_call // model.fsdp)
        cache = rows * column * sizes.columns(step.tokens)
        prompts = read * (column * sizes.layers * step.prompt + sizes.vocabulary * FLOAT)
    return {
        "weights": sizes.parameters * width // chips,
        "adapters": adapters,
        "optimizer": optimizer,
        "cache": cache,
        "prompts": prompts,
        "batch": rows * step.tokens * BATCH_BYTES,
    }


def _moved(step: Step, preset: Preset, sizes: Sizes, parts: dict[str, int], *, remat: bool) -> int:
    """Bytes that one call must read or write, if everything else stayed on the chip.

    Training reads the layers in the forward and the backward pass, and once more with `remat`. The
    head is read for each chunk of positions: forward, and in the backward pass once to compute its
    logits again and once for the gradient of its input. On a mesh a chip gathers what it reads.
    """
    model = preset.model
    weights = sizes.parameters * BYTES[model.dtype] // model.tensor_parallel
    if step.kind == "insert":
        return 2 * parts["prompts"]
    if step.samples:
        return weights + parts["adapters"] + (parts["cache"] if step.kind == "decode" else 0)
    head = _head(preset, sizes)
    chunks = _chunks(step, preset, sizes) if step.loss == "ours" else 1
    if not step.trains:
        return weights - head + chunks * head
    passes = 3 if remat else 2
    layers = weights - head + parts["adapters"] * model.fsdp
    return passes * layers + 3 * chunks * head + 2 * parts["optimizer"]


def _head(preset: Preset, sizes: Sizes) -> int:
    """Bytes of the head that a chip multiplies with: its part of the embedding matrix."""
    head = sizes.vocabulary * sizes.features * BYTES[preset.model.dtype]
    return head // preset.model.tensor_parallel


def _chunks(step: Step, preset: Preset, sizes: Sizes) -> int:
    """Chunks of positions, for each of which the head is read; see `pipeline.loss.head.score`."""
    scored = step.tokens - 1 if step.kind in OF_ROWS else step.completion
    positions = logits_bytes(preset.model) // (FLOAT * sizes.vocabulary)
    return -(-scored // max(1, min(scored, positions // step.rows)))


def _gathered(step: Step, preset: Preset, sizes: Sizes) -> int:
    """Bytes of weights of other chips that are in memory at one time, where weights are sharded.

    The engine gathers all before the first token and keeps them. A training step gathers the
    layers one after the other, and the head for all of its chunks.
    """
    model = preset.model
    if model.fsdp == 1 or step.kind == "insert":
        return 0
    share = (model.fsdp - 1) / model.fsdp
    if step.samples:
        whole = sizes.parameters * BYTES[model.dtype] // model.tensor_parallel
        return int(share * whole)
    layer = sizes.layer_weights * BYTES[model.dtype] // model.tensor_parallel
    return int(share * (_head(preset, sizes) + 2 * layer))


def _temporaries(step: Step, preset: Preset, sizes: Sizes) -> int:
    """Bytes of temporaries on one chip."""
    if step.kind in ("decode", "insert"):
        calls_rows = step.rows if step.kind == "decode" else step.prompts_per_call
        logits = -(-calls_rows // preset.model.fsdp) * sizes.vocabulary * FLOAT * 2
        # an insert gathers the prompts before it writes them into the slots
        return logits + (_parts(step, preset, sizes)["prompts"] if step.kind == "insert" else 0)
    return _temporaries_of_layers(step, preset, sizes)


def _temporaries_of_layers(step: Step, preset: Preset, sizes: Sizes) -> int:
    """Bytes of temporaries of a program that runs whole rows through all layers."""
    model, width, split = preset.model, BYTES[preset.model.dtype], preset.model.tensor_parallel
    is_prefill, ours = step.kind == "prefill", step.loss == "ours"
    rows = -(-(step.prompts_per_call if is_prefill else step.rows) // model.fsdp)
    length = step.prompt if is_prefill else step.tokens
    tokens = rows * length
    dense_scores = rows * sizes.heads * length * length * FLOAT // split
    blocked = ours and model.block_attention and not is_prefill
    scores = min(SCORES_BYTES, dense_scores) if blocked else dense_scores
    features, inner = sizes.features, sizes.heads * sizes.head_dim
    own = tokens * (4 * features + (3 * sizes.hidden + 4 * inner) // split) * width
    layer = own + 2 * scores
    logits = (tokens if step.trains else rows * step.completion) * sizes.vocabulary * FLOAT // split
    at_once = logits_bytes(model) // (model.fsdp * split)
    logits = min(at_once, logits) if ours else logits
    if not step.trains:
        return int(layer + (0 if is_prefill else logits))
    if ours and model.remat:
        layer_inputs = sizes.layers * tokens * features * width
        return int(layer_inputs + COPIES * layer + 2 * logits)
    return int(sizes.layers * (own + scores * width / FLOAT) + logits)


def flops(step: Step, sizes: Sizes, *, remat: bool) -> float:
    """Operations of one call over all chips; a product and a sum are two.

    An insert multiplies nothing. Training has a forward pass, a backward pass through the frozen
    weights, and with `remat` a second forward pass. In the backward pass, attention scores have
    gradients for two factors, the frozen weights for one.
    """
    if step.kind == "insert":
        return 0.0
    # queries: tokens of a row that are computed; keys: tokens that each of them attends to
    if step.kind == "decode":
        rows, queries, keys, scored = step.rows, 1, step.tokens, 1
    elif step.kind == "prefill":
        rows, queries, keys, scored = step.prompts_per_call, step.prompt, step.prompt, 1
    else:
        rows, queries, keys, scored = step.rows, step.tokens, step.tokens, step.completion
    layers = 2.0 * sizes.layers * sizes.layer_weights * rows * queries
    head = 2.0 * sizes.vocabulary * sizes.features * rows * scored
    local_keys = min(keys, 2 * sizes.window) if step.loss == "ours" else keys
    local_layers = sizes.layers - sizes.global_layers
    keys_of_layers = sizes.global_layers * keys + local_layers * local_keys
    attention = 4.0 * sizes.heads * sizes.head_dim * rows * queries * keys_of_layers
    adapters = 2.0 * sizes.adapters(step.rank) * rows * queries if step.rank else 0.0
    forward = layers + attention + head + adapters
    if not step.trains:
        return forward
    backward = layers + 2 * attention + head + 2 * adapters
    return forward + backward + (forward if remat else 0.0)
