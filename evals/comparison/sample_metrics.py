"""Metrics of a stage whose problems have several samples: avg@k, pass@k and maj@k."""

from collections.abc import Hashable
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from data.numbers import read_answer
from evals.comparison.metrics import verdicts
from evals.statistics import majority_at_k, mean_of_clusters, powers_of_two
from evals.statistics.pass_at_k import pass_at_k


def sample_metrics(scores: pl.DataFrame) -> dict[str, Any]:
    """samples: k; avg_at_k, pass_at (1, 2, 4, … to k), pass_at_k, maj_at_k: each with an interval.

    Only problems all of whose samples have a verdict count; `undecided` is the number of the rest.
    An empty dict where problems have one sample each, or different numbers of samples.
    """
    rows = verdicts(scores, "answer")
    sizes = {len(row) for row in rows.values()}
    if len(sizes) != 1 or sizes == {1}:
        return {}
    verdict = np.array(list(rows.values()))
    decided = np.asarray(~np.isnan(verdict).any(axis=1))
    correct, k = verdict[decided] == 1, verdict.shape[1]
    answers = _answers(scores)
    votes = [
        answers[problem] for problem, is_decided in zip(rows, decided, strict=True) if is_decided
    ]
    passed = {
        str(draws): mean_of_clusters(pass_at_k(correct, draws)).to_json()
        for draws in powers_of_two(k)
    }
    return {
        "samples": k,
        "undecided": int((~decided).sum()),
        "avg_at_k": mean_of_clusters(correct.mean(axis=1)).to_json(),
        "pass_at": passed,
        "pass_at_k": passed[str(k)],
        "maj_at_k": mean_of_clusters(majority_at_k(votes, correct)).to_json(),
    }


def _answers(scores: pl.DataFrame) -> dict[str, list[Hashable]]:
    """Problem -> the answers of its samples; answers that are the same number compare equal."""
    by_problem = scores.group_by("problem_id", maintain_order=True).agg("extracted")
    return {
        problem: [None if text is None else _normalized(text) for text in texts]
        for problem, texts in by_problem.iter_rows()
    }


@lru_cache(maxsize=100_000)
def _normalized(text: str) -> Hashable:
    value = read_answer(text).value
    return text.strip() if value is None else value
