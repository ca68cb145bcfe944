"""Problems that a training run is evaluated on, and the step that is best at them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.generate import Generate, Sampling


@dataclass(frozen=True)
class Heldout:
    """Problems that are evaluated during training, and not trained on.

    measure:       takes a function that generates, and returns its answer accuracy
    count:         number of problems
    sampling:      how they are answered, `batch` at a time
    on_checkpoint: is called with step and accuracy when the adapters of the step are saved
    """

    measure: Callable[[Generate], float]
    count: int
    sampling: Sampling
    batch: int
    on_checkpoint: Callable[[int, float], None]


@dataclass(frozen=True)
class Best:
    """The best step: its merged folder and held-out answer accuracy.

    averaged:   the steps whose mean it is, `step` the last of them; empty: it is no mean
    signs:      of collapse, in order
    stopped_at: the step after which a guard ended the run, or None
    """

    merged: Path
    step: int
    answer: float
    averaged: list[int]
    signs: list[str]
    stopped_at: int | None
