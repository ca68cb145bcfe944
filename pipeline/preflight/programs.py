"""Each step as the program that training or sampling compiles, traced and ready to compile."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from pipeline.config import Preset
from pipeline.generate import decode, settings_of
from pipeline.loss import scores_program
from pipeline.preflight import abstract
from pipeline.preflight.steps import Step
from pipeline.train import jitted_step


@dataclasses.dataclass(frozen=True)
class Program:
    """lowered: has a method `compile`      parts: bytes of its arguments on one chip, by part"""

    lowered: Any
    parts: dict[str, int]


def program_of(step: Step, preset: Preset, mesh: Mesh) -> Program:
    """The program of `step`, traced for the devices of `mesh`, which may be on no machine here."""
    with abstract.traced_for(mesh):
        if step.trains:
            return _training(step, preset, mesh)
        if step.kind == "scores":
            return _scores(step, preset, mesh)
        return _sampling(step, preset, mesh)


def _training(step: Step, preset: Preset, mesh: Mesh) -> Program:
    model, optimizer, step_function = abstract.training_state(step, preset, mesh)
    batch = abstract.batch_of(step, preset, mesh)
    jitted, states = jitted_step(step_function, model, optimizer)
    parts = _parts(model) | {
        "optimizer": abstract.bytes_on_one_chip(nnx.state(optimizer)),
        "batch": abstract.bytes_on_one_chip(batch),
    }
    return Program(jitted.lower(*states, batch), parts)


def _scores(step: Step, preset: Preset, mesh: Mesh) -> Program:
    model = abstract.inference_model(step, preset, mesh)
    rows = NamedSharding(mesh, PartitionSpec("fsdp"))
    prompts, completions = (
        jax.ShapeDtypeStruct((step.rows, time), jnp.int32, sharding=rows)
        for time in (step.prompt, step.completion)
    )
    temperature = preset.grpo.temperature
    scored, weights = scores_program(model, pad=abstract.PAD, temperature=temperature)
    lowered = scored.lower(weights, prompts, completions)
    batch = abstract.bytes_on_one_chip((prompts, completions))
    return Program(lowered, _parts(model) | {"batch": batch})


def _sampling(step: Step, preset: Preset, mesh: Mesh) -> Program:
    """One of the engine's programs: prefill, insert, or one block of decode steps."""
    model = abstract.inference_model(step, preset, mesh)
    steps = decode.compiled_steps(model, list(abstract.STOPS), mesh)
    weights = jax.tree.leaves(nnx.state(model))
    rows = NamedSharding(mesh, PartitionSpec("fsdp"))
    count = jax.ShapeDtypeStruct((), jnp.int32, sharding=NamedSharding(mesh, PartitionSpec()))
    ids = jax.ShapeDtypeStruct((step.prompts_per_call, step.prompt), jnp.int32, sharding=rows)
    lengths = jax.ShapeDtypeStruct((step.prompts_per_call,), jnp.int32, sharding=rows)
    if step.kind == "prefill":
        batch = abstract.bytes_on_one_chip((ids, lengths))
        return Program(steps.read.lower(weights, ids, lengths), _parts(model) | {"batch": batch})  # type: ignore[attr-defined]
    dtype = jax.tree.leaves(nnx.state(model.embedder))[0].dtype
    slots = _over(
        rows,
        jax.eval_shape(
            lambda: decode.free_slots(model, step.rows, step.tokens, step.completion, dtype)
        ),
    )
    cache = abstract.bytes_on_one_chip(slots.cache)
    batch = abstract.bytes_on_one_chip(slots) - cache
    if step.kind == "insert":
        prompts = _over(rows, jax.eval_shape(steps.read, weights, ids, lengths))
        parts = {
            "cache": cache,
            "prompts": abstract.bytes_on_one_chip(prompts),
            "batch": batch,
        }
        return Program(steps.insert.lower(slots, prompts, _inserts(step)), parts)  # type: ignore[attr-defined]
    lowered = steps.write.lower(weights, slots, count, count)  # type: ignore[attr-defined]
    return Program(lowered, _parts(model) | {"cache": cache, "batch": batch})


def _over(rows: NamedSharding, tree: Any) -> Any:
    """The shapes of `tree`, sharded over the chips by their rows."""
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=rows), tree
    )


def _inserts(step: Step) -> decode.Inserts:
    """The host arrays that the engine passes to an insert."""
    zeros = np.zeros(step.prompts_per_call, np.int32)
    return decode.Inserts(zeros, zeros, zeros, settings_of([], step.prompts_per_call))


def _parts(model: nnx.Module) -> dict[str, int]:
    base = nnx.All(nnx.Param, nnx.Not(nnx.LoRAParam))  # adapters are parameters too
    return {
        "weights": abstract.bytes_on_one_chip(nnx.state(model, base)),
        "adapters": abstract.bytes_on_one_chip(nnx.state(model, nnx.LoRAParam)),
    }
