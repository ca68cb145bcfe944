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

Step = Callable[..., Any]  # model, optimizer, inputs -> loss, what more it tells, gradient norm


def pure(step: Step, model: nnx.GraphDef, optimizer: nnx.GraphDef) -> Any:
    """`step` as a jitted function of states: adapters, optimizer's, all other, inputs.

    It returns what `step` does, and the new states of adapters and optimizer, in whose places they
    are written.
    """

    def run(adapters: Any, optimizing: Any, rest: Any, inputs: Any) -> tuple[Any, Any, Any]:
        whole = nnx.merge(model, adapters, rest)
        updates = nnx.merge(optimizer, optimizing)
        told = step(whole, updates, inputs)
        return told, nnx.state(whole, nnx.LoRAParam), nnx.state(updates)

    return jax.jit(run, donate_argnums=(0, 1))


class TrainStep:
    """The step of one trainer, over its own model and optimizer."""

    def __init__(self, trainer: PeftTrainer) -> None:
        self.model, self.optimizer = trainer.model, trainer.optimizer
        graph, _, _ = nnx.split(self.model, nnx.LoRAParam, ...)
        self.jitted_fn = pure(trainer.create_train_step_fn(), graph, nnx.graphdef(self.optimizer))

    def __call__(self, inputs: Any) -> Any:
        adapters, rest = nnx.state(self.model, nnx.LoRAParam, ...)
        told, adapters, optimizing = self.jitted_fn(
            adapters, nnx.state(self.optimizer), rest, inputs
        )
        nnx.update(self.model, adapters)
        nnx.update(self.optimizer, optimizing)
        return told


def use_it(trainer: PeftTrainer) -> None:
    """Have `trainer`, which trains adapters, take this step; its loss must be set before."""
    theirs = trainer.jit_train_and_eval_step
    made: list[Any] = []

    def steps(skip_jit: bool = False, cache_nnx_graph: bool = False) -> Any:
        step, evaluate = theirs(skip_jit, cache_nnx_graph)
        if skip_jit:
            return step, evaluate
        if not made:  # after `theirs` has put the optimizer's state where the model's is
            made.append(functools.partial(TrainStep(trainer)))
        return made[0], evaluate

    trainer.jit_train_and_eval_step = steps  # type: ignore[method-assign]
