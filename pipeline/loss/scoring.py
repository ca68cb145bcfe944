"""Scores by a model as a program that reads its weights and returns the scores, no more.

`nnx.jit` returns the whole model too. A program must write what it returns: each call copied the
weights, and a reference that shared them with the policy had its own from then on, 2 GiB of memory
for Gemma 3 1B.
"""

from collections.abc import Callable
from typing import Any

import jax
from flax import nnx

from pipeline.loss.head import TokenScores
from pipeline.loss.policy import completion_scores
from pipeline.model import ProgramCache

_PROGRAMS: ProgramCache[Callable[..., TokenScores]] = ProgramCache()


def scores_of(
    model: nnx.Module, prompts: jax.Array, completions: jax.Array, *, pad: int, temperature: float
) -> TokenScores:
    """As `losses.completion_scores`, compiled. The model and its arrays stay what they are."""
    scored, weights = program(model, pad=pad, temperature=temperature)
    return scored(weights, prompts, completions)


def program(model: nnx.Module, *, pad: int, temperature: float) -> tuple[Any, Any]:
    """The jitted function of weights, prompts and completions; and the weights of `model`."""
    graph, weights = nnx.split(model)

    def scores(weights: Any, prompts: jax.Array, completions: jax.Array) -> TokenScores:
        whole = nnx.merge(graph, weights)
        return completion_scores(whole, prompts, completions, pad=pad, temperature=temperature)

    return _PROGRAMS.get([graph, pad, temperature], lambda: jax.jit(scores)), weights
