"""GRPO: the problems of each step, and token ids as arrays of one length."""

from collections.abc import Sequence

import grain.python as grain
import numpy as np

from pipeline.batches.examples import Prompt
from pipeline.batches.order import shuffled
from pipeline.config import GrpoConfig


def prompt_batches(problems: list[Prompt], config: GrpoConfig) -> grain.MapDataset:
    """Batches without end, each a pure function of seed and step; columns are arrays of text.

    prompts, problem_id, gold: [config.prompts]
    """

    def columns(indices: np.ndarray) -> dict[str, np.ndarray]:
        chosen = [problems[index] for index in indices]
        return {
            "prompts": np.array([problem.prompt for problem in chosen]),
            "problem_id": np.array([problem.problem_id for problem in chosen]),
            "gold": np.array([problem.gold for problem in chosen]),
        }

    return shuffled(len(problems), config.seed).batch(config.prompts).map(columns)


def padded_left(rows: Sequence[Sequence[int] | np.ndarray], length: int, pad: int) -> np.ndarray:
    """[rows, length]  int32: each row at the right end."""
    padded = np.full((len(rows), length), pad, np.int32)
    for index, row in enumerate(rows):
        padded[index, length - len(row) :] = row
    return padded


def padded_right(rows: Sequence[Sequence[int] | np.ndarray], length: int, pad: int) -> np.ndarray:
    """[rows, length]  int32: each row at the left end."""
    padded = np.full((len(rows), length), pad, np.int32)
    for index, row in enumerate(rows):
        padded[index, : len(row)] = row
    return padded


def within(rows: Sequence[Sequence[int] | np.ndarray], length: int) -> np.ndarray:
    """Whether a position of `padded_right` is of the row itself: [rows, length] bool.

    By the rows' lengths, as a model may sample the padding token in the middle of a text.
    """
    lengths = np.array([len(row) for row in rows])
    return np.arange(length) < lengths[:, None]
