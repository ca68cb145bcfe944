"""Metrics of several samples per problem: pass@k and the vote of the majority, maj@k."""

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np


def pass_at_k(correct: np.ndarray, k: int) -> np.ndarray:
    """Chance that at least one of `k` samples is correct, unbiased (arXiv:2107.03374, eq. 1).

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


def powers_of_two(k: int) -> list[int]:
    """1, 2, 4, … up to `k`, and `k` itself: the draws for which pass@k is shown."""
    return sorted({*(2**power for power in range(k.bit_length())), k})


def majority_at_k(answers: Sequence[Sequence[Hashable]], correct: np.ndarray) -> np.ndarray:
    """Chance that a problem's most frequent answer is correct; ties are broken at random.

    answers: [problems, samples]  equal answers compare equal; None, no answer, has no vote
    correct: [problems, samples]  bool
    returns: [problems]           float in [0, 1]; 0 where no sample has an answer
    """
    chances = np.zeros(len(answers))
    for problem, (row, is_correct) in enumerate(zip(answers, correct, strict=True)):
        votes = Counter(answer for answer in row if answer is not None)
        most = max(votes.values(), default=0)
        winners = [
            bool(c) for answer, c in zip(row, is_correct, strict=True) if votes[answer] == most
        ]
        if most:
            chances[problem] = sum(winners) / len(winners)
    return chances
