"""Each step as the program that training or sampling would compile, ready for the compiler."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from pipeline.config import Preset
from pipeline.generate import decode, settings_of
from pipeline.loss import scoring
from pipeline.preflight import abstract
from pipeline.preflight.steps import Step
from pipeline.train import step as train_step


@dataclasses.dataclass(frozen=True)
class Program:
    """lowered: what `compile()` is called on   parts: bytes of its arguments on one chip"""

    lowered: Any
    parts: dict[str, int]


def program(step: Step, preset: Preset, mesh: Mesh) -> Program:
    """The program of `step`, traced for the devices of `mesh`, which need not be there."""
    with abstract.on(mesh):
        if step.trains:
            return _training(step, preset, mesh)
        if step.kind == "reference":
            return _reference(step, preset, mesh)
        return _sampling(step, preset, mesh)


def _training(step: Step, preset: Preset, mesh: Mesh) -> Program:
    model, optimizing, function = abstract.trained(step, preset, mesh)
    batch = abstract.inputs(step, preset, mesh)
    jitted, states = train_step.pure(function, model, optimizing)
    parts = _parts(model) | {
        "optimizer": abstract.bytes_on_one_chip(nnx.state(optimizing)),
        "batch": abstract.bytes_on_one_chip(batch),
    }
    return Program(jitted.lower(*states, batch), parts)


def _reference(step: Step, preset: Preset, mesh: Mesh) -> Program:
    model = abstract.placed(abstract.plain(step, preset, mesh), mesh)
    rows = NamedSharding(mesh, PartitionSpec("fsdp"))
    prompts, completions = (
        jax.ShapeDtypeStruct((step.rows, time), jnp.int32, sharding=rows)
        for time in (step.prompt, step.completion)
    )
    temperature = preset.grpo.temperature
    scored, weights = scoring.program(model, pad=abstract.PAD, temperature=temperature)
    lowered = scored.lower(weights, prompts, completions)
    batch = abstract.bytes_on_one_chip((prompts, completions))
    return Program(lowered, _parts(model) | {"batch": batch})


def _sampling(step: Step, preset: Preset, mesh: Mesh) -> Program:
    """The engine's reading of prompts, their way into slots, or one block of its writing."""
    model = abstract.sampled_from(step, preset, mesh)
    steps = decode.compiled_steps(model, list(abstract.STOPS), mesh)
    weights = jax.tree.leaves(nnx.state(model))
    rows = NamedSharding(mesh, PartitionSpec("fsdp"))
    count = jax.ShapeDtypeStruct((), jnp.int32, sharding=NamedSharding(mesh, PartitionSpec()))
    ids = jax.ShapeDtypeStruct((step.at_once, step.prompt), jnp.int32, sharding=rows)
    lengths = jax.ShapeDtypeStruct((step.at_once,), jnp.int32, sharding=rows)
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


def _over(rows: NamedSharding, made: Any) -> Any:
    """Shapes, shared out over the chips by their rows."""
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=rows), made
    )


def _inserts(step: Step) -> decode.Inserts:
    """As the engine gives them, from the host."""
    places = np.zeros(step.at_once, np.int32)
    return decode.Inserts(places, places, places, settings_of([], step.at_once))


def _parts(model: nnx.Module) -> dict[str, int]:
    base = nnx.All(nnx.Param, nnx.Not(nnx.LoRAParam))  # adapters are parameters too
    return {
        "weights": abstract.bytes_on_one_chip(nnx.state(model, base)),
        "adapters": abstract.bytes_on_one_chip(nnx.state(model, nnx.LoRAParam)),
    }
