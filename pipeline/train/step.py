"""The training step as a program that returns only what it changes: adapters and optimizer state.

Tunix's own (nnx.jit) returns the whole model. A program writes all that it returns, so each step
would copy the frozen weights: 2 GiB of memory and their traffic for Gemma 3 1B.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
from flax import nnx

from pipeline.model import ProgramCache

Step = Callable[..., Any]  # model, optimizer, inputs -> loss, auxiliary values, gradient norm


def jitted_step(step: Step, model: nnx.Module, optimizer: nnx.Optimizer) -> tuple[Any, list[Any]]:
    """`step` as a jitted function, and the states that it takes before the inputs.

    The states: adapters, optimizer, the rest of the model. The function returns what `step`
    returns, then the new states of adapters and optimizer, which replace the old ones in memory.
    Leaves may be shapes instead of arrays.
    """
    graph, adapters, rest = nnx.split(model, nnx.LoRAParam, ...)
    optimizer_graph, optimizer_state = nnx.split(optimizer)

    def run(adapters: Any, optimizer_state: Any, rest: Any, inputs: Any) -> tuple[Any, Any, Any]:
        merged = nnx.merge(graph, adapters, rest)
        merged_optimizer = nnx.merge(optimizer_graph, optimizer_state)
        result = step(merged, merged_optimizer, inputs)
        return result, nnx.state(merged, nnx.LoRAParam), nnx.state(merged_optimizer)

    # explicit: the compiler may name the same sharding otherwise, and the next call recompile
    shardings = jax.tree.map(lambda leaf: leaf.sharding, (adapters, optimizer_state))
    jitted = jax.jit(run, donate_argnums=(0, 1), out_shardings=(None, *shardings))
    return jitted, [adapters, optimizer_state, rest]


# one of each stage that trains: a trial trains by several in turn
_PROGRAMS: ProgramCache[Any] = ProgramCache(3)


class TrainStep:
    """A jitted step that updates one model and its optimizer in place.

    depends_on: what `step` is made of. Where all of it is equal, and model and optimizer have one
                structure, runs share the program; so `step` must hold no weights, which would stay
                in memory
    """

    def __init__(
        self,
        step: Step,
        model: nnx.Module,
        optimizer: nnx.Optimizer,
        depends_on: Sequence[object],
    ) -> None:
        self.model, self.optimizer = model, optimizer
        graph, weights = nnx.split(model)
        states = weights, nnx.state(optimizer)
        arrays = [(leaf.dtype, leaf.sharding) for leaf in jax.tree.leaves(states)]
        key = [*depends_on, graph, jax.tree.structure(states), arrays]
        self.jitted_fn = _PROGRAMS.get(key, lambda: jitted_step(step, model, optimizer)[0])

    def __call__(self, inputs: Any) -> Any:
        adapters, rest = nnx.state(self.model, nnx.LoRAParam, ...)
        result, adapters, optimizer_state = self.jitted_fn(
            adapters, nnx.state(self.optimizer), rest, inputs
        )
        nnx.update(self.model, adapters)
        nnx.update(self.optimizer, optimizer_state)
        return result
