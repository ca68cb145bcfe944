"""Tunix's train step as a program that returns what it changes: adapters and optimizer, no more.

Tunix's own (nnx.jit) returns the whole model. A program must write what it returns, so each step
copied the frozen weights: 2 GiB of memory for Gemma 3 1B, and their traffic.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
from flax import nnx
from tunix.sft.peft_trainer import PeftTrainer

from pipeline import distributed
from pipeline.model import mesh_of

Step = Callable[..., Any]  # model, optimizer, inputs -> loss, what more it tells, gradient norm


def pure(step: Step, model: nnx.Module, optimizer: nnx.Optimizer) -> tuple[Any, list[Any]]:
    """`step` as a jitted function, and the states it is called with before the inputs.

    The states are those of the adapters, of the optimizer, and all else of the model. It returns
    what `step` does, and the new states of adapters and optimizer, in whose places they are
    written. Arrays may be shapes.
    """
    graph, adapters, rest = nnx.split(model, nnx.LoRAParam, ...)
    updates, optimizing = nnx.split(optimizer)

    def run(adapters: Any, optimizing: Any, rest: Any, inputs: Any) -> tuple[Any, Any, Any]:
        whole, changing = nnx.merge(graph, adapters, rest), nnx.merge(updates, optimizing)
        told = step(whole, changing, inputs)
        return told, nnx.state(whole, nnx.LoRAParam), nnx.state(changing)

    # stated, as the compiler may name the same places otherwise, and the next call compile anew
    places = jax.tree.map(lambda leaf: leaf.sharding, (adapters, optimizing))
    jitted = jax.jit(run, donate_argnums=(0, 1), out_shardings=(None, *places))
    return jitted, [adapters, optimizing, rest]


class TrainStep:
    """The step of one trainer, over its own model and optimizer."""

    def __init__(self, trainer: PeftTrainer) -> None:
        self.model, self.optimizer = trainer.model, trainer.optimizer
        step = trainer.create_train_step_fn()
        self.jitted_fn, _ = pure(step, self.model, self.optimizer)

    def __call__(self, inputs: Any) -> Any:
        adapters, rest = nnx.state(self.model, nnx.LoRAParam, ...)
        told, adapters, optimizing = self.jitted_fn(
            adapters, nnx.state(self.optimizer), rest, inputs
        )
        nnx.update(self.model, adapters)
        nnx.update(self.optimizer, optimizing)
        return told


def use_it(trainer: PeftTrainer) -> None:
    """Have `trainer`, which trains adapters, take this step; its loss must be set before.

    Each of several processes gives it whole batches, of which its devices take their rows.
    """
    theirs, mesh = trainer.jit_train_and_eval_step, mesh_of(trainer.model)
    if mesh is not None:
        trainer._prepare_inputs = functools.partial(distributed.spread, mesh=mesh)  # type: ignore[method-assign]
    made: list[Any] = []

    def steps(skip_jit: bool = False, cache_nnx_graph: bool = False) -> Any:
        step, evaluate = theirs(skip_jit, cache_nnx_graph)
        if skip_jit:
            return step, evaluate
        if not made:  # after `theirs` has put the optimizer's state where the model's is
            made.append(functools.partial(TrainStep(trainer)))
        return made[0], evaluate

    trainer.jit_train_and_eval_step = steps  # type: ignore[method-assign]
