"""A model, its adapters and its optimizer as training makes them, with shapes in place of numbers.

Nothing is allocated: the chip that this is for need not be there. Training's own functions are
called, so what they change is measured by the next preflight.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from unittest import mock

import jax
import jax.numpy as jnp
from flax import nnx
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from tunix.models.gemma3 import model as gemma3
from tunix.rl import algo_core
from tunix.rl.grpo.grpo_learner import TrainExample
from tunix.sft import peft_trainer
from tunix.sft.utils import build_positions_from_mask, make_causal_attn_mask

from pipeline.config import Preset
from pipeline.loss import objective_of, policy
from pipeline.model import add_adapters, gemma3 as models
from pipeline.preflight.sizes import config_of
from pipeline.preflight.steps import Step
from pipeline.train import adamw, tunix

Module = TypeVar("Module", bound=nnx.Module)
PAD, STOPS = 0, (1, 106)  # Gemma's; which ids they are changes no shape


@contextlib.contextmanager
def on(mesh: Mesh) -> Iterator[None]:
    """Trace for the devices of `mesh`, whatever this machine has.

    Tunix leaves activations as they are where the first device of the machine is a CPU.
    """
    with mock.patch.object(jax, "devices", return_value=list(mesh.devices.flat)), mesh:
        yield


def plain(step: Step, preset: Preset, mesh: Mesh) -> gemma3.Gemma3:
    """The model without adapters; Tunix's default is dense attention and nothing recomputed."""
    ours, model = step.loss == "ours", preset.model
    text = config_of(model.model)
    config = models.architecture_in(
        text.get("text_config", text),
        model.dtype,
        remat=model.remat and ours,
        tensor_parallel=mesh.shape["tp"],
    )
    return models.abstract(config, block_attention=model.block_attention and ours)


def sampled_from(step: Step, preset: Preset, mesh: Mesh) -> gemma3.Gemma3:
    """The model that a prefill or decode reads; with adapters while it is trained."""
    if not step.rank:
        return placed(plain(step, preset, mesh), mesh)
    return placed(nnx.eval_shape(lambda: _adapted(step, preset, mesh)), mesh)


def _adapted(step: Step, preset: Preset, mesh: Mesh) -> gemma3.Gemma3:
    section = preset.sft if step.kind == "sft" else preset.grpo
    graph, state = nnx.split(plain(step, preset, mesh))
    zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), state)
    start = nnx.merge(graph, zeros)  # traced: no zero is ever written
    return add_adapters(start, rank=step.rank, alpha=section.lora_alpha, seed=0, mesh=mesh)


def trained(
    step: Step, preset: Preset, mesh: Mesh
) -> tuple[gemma3.Gemma3, nnx.Optimizer, Callable[..., Any]]:
    """Model with adapters, its optimizer, and the function that Tunix's trainer compiles."""
    section = preset.sft if step.kind == "sft" else preset.grpo
    steps: list[Callable[..., Any]] = []

    def made() -> tuple[gemma3.Gemma3, nnx.Optimizer]:
        model = _adapted(step, preset, mesh)
        trainer = peft_trainer.PeftTrainer(
            model,
            adamw(section, section.steps),
            peft_trainer.TrainingConfig(
                eval_every_n_steps=1,
                gradient_accumulation_steps=step.pieces if step.pieces > 1 else None,
            ),
            metrics_logger=object(),  # type: ignore[arg-type]  # nothing is logged
        )
        loss, has_aux = loss_of(step, preset)
        trainer.with_loss_fn(loss, has_aux=has_aux)
        steps.append(trainer.create_train_step_fn())
        return model, trainer.optimizer

    model, optimizing = nnx.eval_shape(made)
    return placed(model, mesh), placed(optimizing, mesh), steps[0]  # type: ignore[arg-type]


def loss_of(step: Step, preset: Preset) -> tuple[Callable[..., Any], bool]:
    """The loss as the trainer calls it with what `inputs` gives, and whether it tells more."""
    if step.kind == "sft":
        return (policy.sft_loss if step.loss == "ours" else _tunix_sft), False
    settings = tunix.algorithm(preset.grpo)
    vars(settings)["temperature"] = preset.grpo.temperature  # Tunix's learner sets it likewise
    objective = objective_of(preset.grpo, list(STOPS))

    def ours(model: nnx.Module, train_example: TrainExample):
        return policy.policy_loss(
            model,
            train_example,
            settings,
            pad=PAD,
            temperature=preset.grpo.temperature,
            objective=objective,
        )

    def theirs(model: nnx.Module, train_example: TrainExample):
        return algo_core.grpo_loss_fn(model, train_example, settings, PAD, STOPS[0])

    return (ours if step.loss == "ours" else theirs), True


def _tunix_sft(model: nnx.Module, ids: jax.Array, completion: jax.Array, segments: jax.Array):
    """Tunix's default, given what its own examples give it."""
    present = segments != 0
    positions, mask = build_positions_from_mask(present), make_causal_attn_mask(present)
    return peft_trainer._default_loss_fn(model, ids, completion, positions, mask)


def inputs(step: Step, preset: Preset, mesh: Mesh) -> dict[str, Any]:
    """What a trainer gives to its step function: a batch, its rows shared out over the mesh."""
    rows = NamedSharding(mesh, PartitionSpec("fsdp"))

    def array(dtype: Any, *shape: int) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct((step.rows, *shape), dtype, sharding=rows)

    if step.kind == "sft":
        types = {"ids": jnp.int32, "completion": jnp.bool_, "segments": jnp.int32}
        return {name: array(dtype, step.tokens) for name, dtype in types.items()}
    scores = array(jnp.float32, step.completion)
    example: Any = TrainExample  # flax makes its __init__
    return {
        "train_example": example(
            prompt_ids=array(jnp.int32, step.prompt),
            prompt_mask=array(jnp.bool_, step.prompt),
            completion_ids=array(jnp.int32, step.completion),
            completion_mask=array(jnp.bool_, step.completion),
            advantages=array(jnp.float32),
            ref_per_token_logps=scores if preset.grpo.beta else None,
            old_per_token_logps=None,
        )
    }


def placed(module: Module, mesh: Mesh) -> Module:
    """`module` with the place of every array on `mesh`, as its own metadata names it."""
    graph, state = nnx.split(module)
    places = nnx.get_named_sharding(state, mesh)
    state = jax.tree.map(
        lambda leaf, place: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place),
        state,
        places,
    )
    return nnx.merge(graph, state)


def bytes_on_one_chip(tree: Any) -> int:
    """Of the arrays of `tree`, or of what of a module is `wanted`, that lie on one device."""
    return sum(
        leaf.dtype.itemsize * _product(leaf.sharding.shard_shape(leaf.shape))
        for leaf in jax.tree.leaves(tree)
    )


def _product(shape: tuple[int, ...]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count
