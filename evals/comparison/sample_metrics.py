"""Metrics of a stage whose problems have several samples: avg@k, pass@k and maj@k."""

from collections.abc import Hashable
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from data.numbers import read_answer
from evals.statistics import majority_at_k, mean_of_clusters, powers_of_two
from evals.statistics.pass_at_k import pass_at_k


def sample_metrics(scores: pl.DataFrame) -> dict[str, Any]:
    """samples: k; avg_at_k, pass_at (1, 2, 4, … to k), pass_at_k, maj_at_k: each with an interval.

    All problems count. A sample of unknown verdict is not correct, and one that a problem lacks of
    k is unknown; beside each value stands if_correct, the value if all of them were correct.
    k is the most frequent number of samples; of a problem with more, the first k count.
    undecided: problems with an unknown verdict      missing: samples that problems lack
    An empty dict where most problems have one sample.
    """
    samples = scores.group_by("problem_id", maintain_order=True).agg("answer", "extracted")
    k = _most_frequent_size(samples["answer"].list.len())
    if k < 2:
        return {}
    verdict = np.array([_first(row, k) for row in samples["answer"].to_list()], dtype=float)
    votes = [
        [None if text is None else _normalized(text) for text in _first(row, k)]
        for row in samples["extracted"].to_list()
    ]
    known_right, maybe_right = verdict == 1, verdict != 0  # nan is unknown
    passed = {
        str(draws): _with_if_correct(pass_at_k(known_right, draws), pass_at_k(maybe_right, draws))
        for draws in powers_of_two(k)
    }
    return {
        "samples": k,
        "undecided": int(np.isnan(verdict).any(axis=1).sum()),
        "missing": int((k - samples["answer"].list.len().cast(pl.Int64)).clip(0).sum()),
        "avg_at_k": _with_if_correct(known_right.mean(axis=1), maybe_right.mean(axis=1)),
        "pass_at": passed,
        "pass_at_k": passed[str(k)],
        "maj_at_k": _with_if_correct(
            majority_at_k(votes, known_right), majority_at_k(votes, maybe_right)
        ),
    }


def _most_frequent_size(sizes: pl.Series) -> int:
    """The larger one of two that are as frequent; 0 where there is none."""
    return int(sizes.mode().max() or 0)  # pyright: ignore[reportArgumentType]


def _first(row: list[Any], k: int) -> list[Any]:
    return [*row[:k], *[None] * (k - len(row))]


def _with_if_correct(values: np.ndarray, if_correct: np.ndarray) -> dict[str, Any]:
    """values, if_correct: [problems]  float"""
    return {**mean_of_clusters(values).to_json(), "if_correct": float(if_correct.mean())}


@lru_cache(maxsize=100_000)
def _normalized(text: str) -> Hashable:
    value = read_answer(text).value
    return text.strip() if value is None else value
