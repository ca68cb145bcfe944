"""SFT: examples as tokens, and the batch of each step."""

import sys
from functools import partial

import grain.python as grain
import numpy as np

from pipeline.batches import packing
from pipeline.batches.budgets import rounded
from pipeline.batches.examples import Example
from pipeline.batches.order import shuffled
from pipeline.config import SftConfig
from pipeline.model import Tokenizer, Tokens, example_tokens


def tokenize_examples(
    examples: list[Example], tokenizer: Tokenizer, max_tokens: int
) -> tuple[list[Tokens], list[str]]:
    """The examples of at most `max_tokens` tokens, and the ids of the longer ones."""
    rows, too_long = [], []
    for example in examples:
        row = example_tokens(tokenizer, example.prompt, example.reasoning, example.answer)
        if len(row.ids) <= max_tokens:
            rows.append(row)
        else:
            too_long.append(example.example_id)
    return rows, too_long


def completion_tokens(rows: list[Tokens]) -> list[int]:
    """Tokens of each completion, its stop token included."""
    return [int(row.completion.sum()) for row in rows]


def sft_batches(
    rows: list[Tokens], config: SftConfig, pad: int
) -> grain.MapDataset[dict[str, np.ndarray]]:
    """Endless batches; each is a pure function of seed and step. See `packing.batch_of`.

    All batches of a run have one shape; bucketed batches have one of a few.
    """
    lengths = [len(row.ids) for row in rows]
    longest = rounded(max(lengths))
    batch_of = partial(packing.batch_of, batch=config.batch, pad=pad)
    if config.batching == "padded":
        return (
            shuffled(len(rows), config.seed)
            .batch(config.batch)
            .map(lambda indices: batch_of([[rows[index]] for index in indices], length=longest))
        )
    if config.batching == "packed":
        width = max(longest, rounded(config.max_tokens))
        steps = packing.packed_steps(lengths, config.batch, width, config.seed)
        widths = [width]
    else:
        steps = packing.bucketed_steps(lengths, config.batch, config.seed)
        widths = packing.widths(longest)

    def batch(step: int) -> dict[str, np.ndarray]:
        chosen = [[rows[index] for index in row] for row in steps(step)]
        filled = max(sum(len(example.ids) for example in row) for row in chosen)
        return batch_of(chosen, length=packing.width_of(filled, widths))

    return grain.MapDataset.range(sys.maxsize).map(batch)
