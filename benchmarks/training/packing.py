"""Tokens that teach, per second of SFT, by how batches are made.

    python -m benchmarks.training.packing

The gradient of the SFT loss for the adapters of the bundled model, with rows of 512 tokens and a
window of 64: Gemma 3 1B's 4,096 and 512, divided by eight. Lengths are log-normal like those of
Bespoke-Stratos' traces: a mean of 4,500 characters, which is about 1,290 tokens, so 160 here; a
standard deviation of 0.8 of their logarithm; those over 512 are left out, as `max_tokens` does.
A third of an example is its prompt. What one would do instead is padding every row to the longest,
with Tunix's own attention. All ways by turns in one process; medians of the turns.
"""

import argparse
import dataclasses
import statistics
import time
from typing import Any, NamedTuple

import grain.python as grain
import jax
import numpy as np
from flax import nnx
from tunix.models.gemma3.model import Gemma3

from benchmarks import report
from pipeline.attention import BlockAttention, with_attention
from pipeline.batches import sft_batches
from pipeline.config import BATCHINGS, SftConfig
from pipeline.loss import sft_loss
from pipeline.model import TINY, Tokens, add_adapters, device_mesh, gemma3
from pipeline.tiny import initialise

ROOM, SLIDING = 512, 64  # tokens
MEAN, SPREAD = 160, 0.8  # tokens; of the logarithm
BATCH = 4  # rows
PAD = 0
BASELINE = ("padded", "dense")
WAYS = (
    BASELINE,
    ("padded", "in blocks"),
    ("bucketed", "in blocks"),
    ("packed", "dense"),
    ("packed", "in blocks"),
)


Dataset = grain.MapDataset[dict[str, np.ndarray]]


class Turn(NamedTuple):
    """A few steps: tokens that are no padding, those of completions, all slots."""

    tokens: int
    completion: int
    slots: int
    seconds: float


def made_rows(n: int, room: int, seed: int = 0) -> list[Tokens]:
    """Examples of random tokens whose lengths are those of the mix."""
    rng = np.random.default_rng(seed)
    rows: list[Tokens] = []
    while len(rows) < n:
        length = round(rng.lognormal(np.log(MEAN) - SPREAD**2 / 2, SPREAD))
        if 8 <= length <= room:
            ids = rng.integers(110, 600, length).astype(np.int32)
            rows.append(Tokens(ids, np.arange(length) >= length // 3))
    return rows


def adapted(blocks: bool) -> nnx.Module:
    """The bundled model's architecture with the small window, and adapters."""
    config = gemma3.architecture(TINY, "float32", remat=True)
    config = dataclasses.replace(config, sliding_window_size=SLIDING)
    model = Gemma3(config, rngs=nnx.Rngs(0))
    initialise(model, 0)
    model = with_attention(model, BlockAttention) if blocks else model
    return add_adapters(model, rank=16, alpha=32.0, seed=0, mesh=device_mesh())


@nnx.jit
def gradient(model: nnx.Module, batch: dict[str, np.ndarray]) -> nnx.State:
    return nnx.grad(sft_loss, argnums=nnx.DiffState(0, nnx.LoRAParam))(model, **batch)


def batch_at(dataset: Dataset, step: int) -> dict[str, np.ndarray]:
    batch = dataset[step]
    assert batch is not None
    return batch


def turn(model: nnx.Module, batches: list[dict[str, np.ndarray]]) -> Turn:
    """The gradient of each batch, one after the other."""
    begin = time.perf_counter()
    for batch in batches:
        jax.block_until_ready(gradient(model, batch))
    return Turn(
        tokens=sum(int((batch["segments"] > 0).sum()) for batch in batches),
        completion=sum(int(batch["completion"].sum()) for batch in batches),
        slots=sum(batch["ids"].size for batch in batches),
        seconds=time.perf_counter() - begin,
    )


def measured(examples: int, steps: int, repeats: int) -> list[dict[str, Any]]:
    """Useful tokens per second of each way beside the baseline's."""
    rows = made_rows(examples, ROOM)
    by_attention = {"dense": adapted(False), "in blocks": adapted(True)}
    datasets = {
        name: sft_batches(rows, SftConfig(batch=BATCH, batching=name, max_tokens=ROOM), PAD)
        for name in BATCHINGS
    }
    for batching, attention in WAYS:  # compile every shape before the clock runs
        batches = (batch_at(datasets[batching], step) for step in range(steps * repeats))
        for batch in {batch["ids"].shape: batch for batch in batches}.values():
            jax.block_until_ready(gradient(by_attention[attention], batch))
    turns: dict[tuple[str, str], list[Turn]] = {way: [] for way in WAYS}
    for repeat in range(repeats):
        span = range(repeat * steps, (repeat + 1) * steps)
        for batching, attention in WAYS:
            batches = [batch_at(datasets[batching], step) for step in span]
            turns[batching, attention].append(turn(by_attention[attention], batches))
    return [
        row(f"{batching}, attention {attention}", unit, ours, turns[BASELINE])
        for (batching, attention), ours in turns.items()
        for unit in ("tokens", "completion")
    ]


def row(case: str, unit: str, ours: list[Turn], other: list[Turn]) -> dict[str, Any]:
    """One line of the report, for the field `unit` of the turns."""
    rates, other_rates = ([getattr(turn, unit) / turn.seconds for turn in t] for t in (ours, other))
    full = sum(turn.tokens for turn in ours) / sum(turn.slots for turn in ours)
    ratios = [one / two for one, two in zip(rates, other_rates, strict=True)]
    return {
        "case": f"{case}, {full:.0%} of slots filled",
        "ours": round(statistics.median(rates)),
        "theirs": round(statistics.median(other_rates)),
        "unit": "tokens/s" if unit == "tokens" else "completion tokens/s",
        "ratio": round(statistics.median(ratios), 2),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=1_000)
    parser.add_argument("--steps", type=int, default=4, help="of one turn")
    parser.add_argument("--repeats", type=int, default=5, help="turns of each way")
    parser.add_argument("--json", action="store_true", help="as JSON only")
    arguments = parser.parse_args()
    report(
        "packing",
        measured(arguments.examples, arguments.steps, arguments.repeats),
        arguments.json,
    )
