"""Preference pairs as tokens, and the batch of each step."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import grain.python as grain
import numpy as np

from pipeline.batches import packing
from pipeline.batches.budgets import rounded
from pipeline.batches.examples import PreferencePair
from pipeline.batches.order import shuffled
from pipeline.config import DpoConfig
from pipeline.model import Tokenizer, Tokens, prompt_text


@dataclass(frozen=True)
class PairTokens:
    """Two completions of one prompt, each with it."""

    chosen: Tokens
    rejected: Tokens


def tokenize_pairs(
    pairs: Sequence[PreferencePair], tokenizer: Tokenizer, max_tokens: int
) -> tuple[list[PairTokens], int]:
    """The pairs whose two rows have at most `max_tokens` tokens, and how many have more."""
    rows = [_tokens_of(pair, tokenizer) for pair in pairs]
    fitting = [row for row in rows if max(len(row.chosen.ids), len(row.rejected.ids)) <= max_tokens]
    return fitting, len(rows) - len(fitting)


def _tokens_of(pair: PreferencePair, tokenizer: Tokenizer) -> PairTokens:
    before = tokenizer.encode(prompt_text(tokenizer, pair.question))

    def row(text: str, ended: bool) -> Tokens:
        # what was cut off did not end there, so its end is not trained on
        after = [*tokenizer.encode(text), *([tokenizer.turn_end()] if ended else [])]
        return Tokens(
            ids=np.array(before + after, dtype=np.int32),
            completion=np.arange(len(before) + len(after)) >= len(before),
        )

    return PairTokens(row(pair.chosen, True), row(pair.rejected, pair.rejected_ended))


def rows_of_pairs(pairs: Sequence[PairTokens], length: int, pad: int) -> dict[str, np.ndarray]:
    """Columns of `packing.batch_of`: a row for each chosen completion, then for each rejected."""
    rows = [[pair.chosen] for pair in pairs] + [[pair.rejected] for pair in pairs]
    return packing.batch_of(rows, batch=len(rows), length=length, pad=pad)


def row_length(pairs: Sequence[PairTokens]) -> int:
    """Tokens of the rows of all batches."""
    return rounded(max(len(row.ids) for pair in pairs for row in (pair.chosen, pair.rejected)))


def preference_batches(
    pairs: Sequence[PairTokens], reference: np.ndarray, config: DpoConfig, pad: int
) -> grain.MapDataset[dict[str, np.ndarray]]:
    """Endless batches of one shape; each is a pure function of seed and step.

    reference: [pairs, 2]  float32: log-probabilities of chosen and rejected under the start model

    A batch has the columns of `rows_of_pairs`, and `reference` [2 * config.batch] in their order.
    """
    length = row_length(pairs)
    rows = partial(rows_of_pairs, length=length, pad=pad)

    def batch(indices: np.ndarray) -> dict[str, np.ndarray]:
        of_pairs = reference[indices].T.reshape(-1).astype(np.float32)
        return rows([pairs[index] for index in indices]) | {"reference": of_pairs}

    return shuffled(len(pairs), config.seed).batch(config.batch).map(batch)
