"""Model, adapters and optimizer as training builds them, with shapes in place of arrays.

Nothing is allocated, and the chip need not be on this machine. Training's own functions build them,
so preflight measures what training does.
"""

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from flax import nnx
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from tunix.models.gemma3.model import Gemma3

from pipeline.config import DpoConfig, GrpoConfig, Preset, SftConfig, logits_bytes
from pipeline.loss import (
    PolicyExample,
    objective_of,
    policy_loss,
    preference_loss,
    preference_objective,
    sft_loss,
)
from pipeline.model import add_adapters, complete, gemma3
from pipeline.preflight.sizes import config_of
from pipeline.preflight.steps import OF_ROWS, Step
from pipeline.train import adamw, tunix

Module = TypeVar("Module", bound=nnx.Module)
PAD, STOPS = 0, (1, 106)  # Gemma's token ids; they do not change any shape


@contextlib.contextmanager
def traced_for(mesh: Mesh) -> Iterator[None]:
    """Trace for the devices of `mesh`, whatever devices this machine has.

    Tunix shards activations only if the first of `jax.devices()` is not a CPU, so that function
    must return the devices of the mesh.
    """
    devices = jax.devices
    jax.devices = lambda *_: list(mesh.devices.flat)
    try:
        with mesh:
            yield
    finally:
        jax.devices = devices


def base_model(step: Step, preset: Preset, mesh: Mesh) -> Gemma3:
    """The model without adapters. Tunix's default: dense attention, no rematerialisation."""
    ours, model = step.loss == "ours", preset.model
    config = gemma3.architecture_in(
        complete(config_of(model.model), f"the config.json of {model.model}"),
        model.dtype,
        remat=model.remat and ours,
        tensor_parallel=mesh.shape["tp"],
    )
    return gemma3.abstract(
        config,
        mesh,
        block_attention=model.block_attention and ours,
        logits_bytes=logits_bytes(model),
    )


def inference_model(step: Step, preset: Preset, mesh: Mesh) -> Gemma3:
    """The model of a step that samples or scores; with adapters if it is being trained."""
    if not step.rank:
        return sharded(base_model(step, preset, mesh), mesh)
    return sharded(nnx.eval_shape(lambda: _adapted(step, preset, mesh)), mesh)


def _section(step: Step, preset: Preset) -> SftConfig | DpoConfig | GrpoConfig:
    """The knobs of the stage that the step is of; the engine's steps are those of GRPO."""
    return {"sft": preset.sft, "pairs": preset.dpo}.get(step.kind, preset.grpo)


def _adapted(step: Step, preset: Preset, mesh: Mesh) -> Gemma3:
    section = _section(step, preset)
    graph, state = nnx.split(base_model(step, preset, mesh))
    zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), state)
    start = nnx.merge(graph, zeros)  # traced, so the zeros are never allocated
    return add_adapters(start, rank=step.rank, alpha=section.lora_alpha, seed=0, mesh=mesh)


def training_state(
    step: Step, preset: Preset, mesh: Mesh
) -> tuple[Gemma3, nnx.Optimizer, Callable[..., Any]]:
    """Model with adapters, its optimizer, and the function that Tunix's trainer compiles."""
    section = _section(step, preset)
    step_functions: list[Callable[..., Any]] = []

    def build() -> tuple[Gemma3, nnx.Optimizer]:
        model = _adapted(step, preset, mesh)
        loss, has_aux = loss_of(step, preset)
        rule = adamw(section, section.steps)
        step_function, optimizer = tunix.untrained(
            model, rule, loss, has_aux=has_aux, micro_batches=step.pieces
        )
        step_functions.append(step_function)
        return model, optimizer

    model, optimizer = nnx.eval_shape(build)
    return sharded(model, mesh), sharded(optimizer, mesh), step_functions[0]  # type: ignore[arg-type]


def loss_of(step: Step, preset: Preset) -> tuple[Callable[..., Any], bool]:
    """The loss as the trainer calls it with `batch_of`, and whether it also returns metrics."""
    if step.kind == "sft":
        return (sft_loss if step.loss == "ours" else tunix.default_sft_loss), False
    if step.kind == "pairs":
        return _loss_of_pairs(preset), True
    objective = objective_of(preset.grpo, list(STOPS))

    def ours(model: nnx.Module, example: PolicyExample):
        temperature = preset.grpo.temperature
        return policy_loss(model, example, objective, pad=PAD, temperature=temperature)

    def tunix_default(model: nnx.Module, example: PolicyExample):
        return tunix.default_policy_loss(model, example, preset.grpo, pad=PAD, eos=STOPS[0])

    return (ours if step.loss == "ours" else tunix_default), True


def _loss_of_pairs(preset: Preset) -> Callable[..., Any]:
    objective = preference_objective(preset.dpo)

    # flax takes no loss of free keyword arguments
    def loss(model: nnx.Module, ids: Any, completion: Any, segments: Any, reference: Any):
        return preference_loss(model, ids, completion, segments, reference, objective)

    return loss


def batch_of(step: Step, preset: Preset, mesh: Mesh) -> dict[str, Any]:
    """The batch that a trainer passes to its step function, its rows sharded over the mesh."""
    rows = NamedSharding(mesh, PartitionSpec("fsdp"))

    def array(dtype: Any, *shape: int) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct((step.rows, *shape), dtype, sharding=rows)

    if step.kind in OF_ROWS:
        types = {"ids": jnp.int32, "completion": jnp.bool_, "segments": jnp.int32}
        rows_of_text = {name: array(dtype, step.tokens) for name, dtype in types.items()}
        return rows_of_text | ({"reference": array(jnp.float32)} if step.kind == "pairs" else {})
    scores = array(jnp.float32, step.completion)
    example: Any = PolicyExample  # flax generates its __init__
    return {
        "example": example(
            prompt_ids=array(jnp.int32, step.prompt),
            completion_ids=array(jnp.int32, step.completion),
            completion_mask=array(jnp.bool_, step.completion),
            advantages=array(jnp.float32),
            ref_per_token_logps=scores if preset.grpo.beta else None,
            old_per_token_logps=scores if preset.grpo.updates > 1 else None,
            sampled_logps=scores if step.loss == "ours" else None,
        )
    }


def sharded(module: Module, mesh: Mesh) -> Module:
    """`module` with the sharding of every array on `mesh`, from the module's own metadata."""
    graph, state = nnx.split(module)
    shardings = nnx.get_named_sharding(state, mesh)
    state = jax.tree.map(
        lambda leaf, sharding: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding),
        state,
        shardings,
    )
    return nnx.merge(graph, state)


def bytes_on_one_chip(tree: Any) -> int:
    """Bytes of the arrays in `tree` that are on one device."""
    return sum(
        leaf.dtype.itemsize * math.prod(leaf.sharding.shard_shape(leaf.shape))
        for leaf in jax.tree.leaves(tree)
    )
