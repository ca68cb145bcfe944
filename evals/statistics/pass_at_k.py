"""What several samples of a problem are worth: their mean, pass@k, and the majority's vote."""

from collections import Counter
from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from evals.comparison import verdicts
from evals.graders import read
from evals.statistics.intervals import mean_of_clusters


def of_samples(scores: pl.DataFrame) -> dict[str, Any]:
    """samples: k, then avg_at_k, pass_at (1, 2, 4, … to k), pass_at_k and maj_at_k with intervals.

    Of the problems all of whose samples are decided; `undecided` counts the others. Nothing where
    problems have one sample each, or differ in how many they have.
    """
    rows = verdicts(scores, "answer")
    samples = {len(row) for row in rows.values()}
    if len(samples) != 1 or samples == {1}:
        return {}
    verdict = np.array(list(rows.values()))
    decided = np.asarray(~np.isnan(verdict).any(axis=1))
    correct, k = verdict[decided] == 1, verdict.shape[1]
    said = answers(scores)
    votes = [said[problem] for problem, one in zip(rows, decided, strict=True) if one]
    passed = {
        str(draws): mean_of_clusters(pass_at_k(correct, draws)).to_json() for draws in powers(k)
    }
    return {
        "samples": k,
        "undecided": int((~decided).sum()),
        "avg_at_k": mean_of_clusters(correct.mean(axis=1)).to_json(),
        "pass_at": passed,
        "pass_at_k": passed[str(k)],
        "maj_at_k": mean_of_clusters(majority_at_k(votes, correct)).to_json(),
    }


def powers(k: int) -> list[int]:
    """1, 2, 4, … up to `k`, and `k` itself."""
    return sorted({*(2**power for power in range(k.bit_length())), k})


def answers(scores: pl.DataFrame) -> dict[str, list[Hashable]]:
    """Problem -> the answers of its samples; those that read as the same number are equal."""
    by_problem = scores.group_by("problem_id", maintain_order=True).agg("extracted")
    return {
        problem: [None if text is None else _answer(text) for text in texts]
        for problem, texts in by_problem.iter_rows()
    }


@lru_cache(maxsize=100_000)
def _answer(text: str) -> Hashable:
    value = read(text).value
    return text.strip() if value is None else value


def pass_at_k(correct: np.ndarray, k: int) -> np.ndarray:
    """Chance that at least one of `k` samples is right, unbiased (arXiv:2107.03374, eq. 1).

    correct: [problems, samples]  bool
    returns: [problems]           float in [0, 1]
    """
    samples = correct.shape[1]
    if not 1 <= k <= samples:
        raise ValueError(f"pass@{k} needs 1 to {samples} draws: there are {samples} samples each")
    wrong = samples - correct.sum(axis=1)
    # C(wrong, k) / C(samples, k), one draw at a time, so that no factorial overflows
    draw = np.arange(k)
    all_wrong = np.clip((wrong[:, None] - draw) / (samples - draw), 0, None).prod(axis=1)
    return 1 - all_wrong


def majority_at_k(answers: Sequence[Sequence[Hashable]], correct: np.ndarray) -> np.ndarray:
    """Chance that the commonest answer among a problem's samples is right; a tie is drawn fairly.

    answers: [problems, samples]  equal where the answers are; None, no answer, has no vote
    correct: [problems, samples]  bool
    returns: [problems]           float in [0, 1]; 0 where no sample has an answer
    """
    shares = np.zeros(len(answers))
    for problem, (said, right) in enumerate(zip(answers, correct, strict=True)):
        votes = Counter(answer for answer in said if answer is not None)
        most = max(votes.values(), default=0)
        of_winners = [
            bool(r) for answer, r in zip(said, right, strict=True) if votes[answer] == most
        ]
        if most:
            shares[problem] = sum(of_winners) / len(of_winners)
    return shares
