"""Each step as the program that training or sampling would compile, ready for the compiler."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from pipeline import train_step
from pipeline.config import Preset
from pipeline.learner import scores_of
from pipeline.preflight import abstract
from pipeline.preflight.steps import Step
from pipeline.rollout import Sampler, Sampling


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
    graph, adapters, rest = nnx.split(model, nnx.LoRAParam, ...)
    updates, state = nnx.split(optimizing)
    jitted = train_step.pure(function, graph, updates)
    parts = _parts(model) | {
        "optimizer": abstract.bytes_on_one_chip(nnx.state(optimizing)),
        "batch": abstract.bytes_on_one_chip(batch),
    }
    return Program(jitted.lower(adapters, state, rest, batch), parts)


def _reference(step: Step, preset: Preset, mesh: Mesh) -> Program:
    model = abstract.placed(abstract.plain(step, preset, mesh), mesh)
    rows = NamedSharding(mesh, PartitionSpec("fsdp"))
    prompts, completions = (
        jax.ShapeDtypeStruct((step.rows, time), jnp.int32, sharding=rows)
        for time in (step.prompt, step.completion)
    )
    lowered = scores_of.lower(
        model, prompts, completions, pad=abstract.PAD, temperature=preset.grpo.temperature
    )
    batch = abstract.bytes_on_one_chip((prompts, completions))
    return Program(lowered, _parts(model) | {"batch": batch})


class Ids:
    """Stands where a tokenizer would: a program depends on which ids end a text, not on words."""

    def pad_id(self) -> int:
        return abstract.PAD

    def bos_id(self) -> int:
        return 2

    def eos_id(self) -> int:
        return abstract.STOPS[0]

    def stop_ids(self) -> list[int]:
        return list(abstract.STOPS)

    def encode(self, text: str) -> list[int]:
        raise AssertionError("no text is encoded when a program is compiled")

    def decode(self, ids: Iterable[int]) -> str:
        raise AssertionError("no text is decoded when a program is compiled")


def _sampling(step: Step, preset: Preset, mesh: Mesh) -> Program:
    config = preset.grpo if step.beside else preset.eval
    sampling = Sampling(
        temperature=0.0 if step.greedy else config.temperature,
        top_k=config.top_k,
        top_p=config.top_p,
        max_prompt_tokens=step.prompt,
        max_tokens=step.completion,
    )
    model = abstract.sampled_from(step, preset, mesh)
    sampler = Sampler(model, Ids(), sampling)  # type: ignore[arg-type]  # all it asks of one here
    sampler.eos_ids = jnp.array(abstract.STOPS)
    state = _state(sampler, step, mesh)
    weights = sampler.model_def_and_state()[1]
    if step.kind == "prefill":
        jitted = jax.jit(sampler._prefill_fn, donate_argnums=(1,), static_argnames=("echo",))
        lowered = jitted.lower(weights, state, None, echo=False)
    else:
        lowered = jax.jit(sampler._decode_fn, donate_argnums=(1,)).lower(weights, state)
    parts = {"cache": abstract.bytes_on_one_chip(state.cache)}
    rest = dataclasses.replace(state, cache={})
    return Program(lowered, _parts(model) | parts | {"batch": abstract.bytes_on_one_chip(rest)})


def _state(sampler: Sampler, step: Step, mesh: Mesh) -> Any:
    """What Tunix's sampler starts from, its rows shared out over the mesh."""
    sampling, ids = sampler.sampling, jax.ShapeDtypeStruct((step.rows, step.prompt), jnp.int32)
    state = jax.eval_shape(
        lambda ids, seed: sampler.init_sample_state(
            ids,
            total_sampling_steps=step.tokens,
            include_logits=False,
            forbidden_token_ids=None,
            temperature=sampling.temperature,
            top_p=None if step.greedy else sampling.top_p,
            top_k=None if step.greedy else sampling.top_k or None,
            seed=seed,
            beam_size=None,
        ),
        ids,
        jax.ShapeDtypeStruct((2,), jnp.uint32),
    )

    def shared(leaf: jax.ShapeDtypeStruct) -> jax.ShapeDtypeStruct:
        axes = ("fsdp",) if leaf.shape[:1] == (step.rows,) else ()
        place = NamedSharding(mesh, PartitionSpec(*axes))
        return jax.ShapeDtypeStruct(
            leaf.shape, leaf.dtype, sharding=place, weak_type=leaf.weak_type
        )

    # the number of prompt tokens is a constant of the program, which the trace made an array of
    return jax.tree.map(shared, dataclasses.replace(state, num_input_tokens=np.int32(step.prompt)))


def _parts(model: nnx.Module) -> dict[str, int]:
    return {
        "weights": abstract.bytes_on_one_chip(nnx.state(model, nnx.Param)),
        "adapters": abstract.bytes_on_one_chip(nnx.state(model, nnx.LoRAParam)),
    }
