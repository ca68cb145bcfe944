"""Advantages of GRPO, recomputed from rewards exactly as the trainer computes them."""

import numpy as np

FLOOR = 1e-6  # Tunix 0.1.7 adds it to the standard deviation
# Rewards that differ by less count as equal: the advantage of such a group is at most a thousandth,
# and rounding errors of sums in another order are far smaller.
SAME = 1e-9


def advantages(rewards: np.ndarray, variant: str = "grpo") -> np.ndarray:
    """The advantage of each rollout by `variant` (pipeline/loss/variants.py).

    grpo, dapo  minus the mean of the group, over its standard deviation (arXiv:2402.03300, 4.1.2)
    dr-grpo     minus the mean of the group (arXiv:2503.20783)
    rloo        minus the mean of the other rollouts of the group (arXiv:2402.14740)

    Bit-identical to the advantages that Tunix trains on.

    rewards: [groups, rollouts]  float, at least two rollouts in a group
    returns: [groups, rollouts]  float
    """
    if rewards.shape[1] < 2:
        raise ValueError(f"an advantage needs a group of 2 or more, got {rewards.shape[1]}")
    if variant == "rloo":
        sum_of_rest = rewards.sum(axis=-1, keepdims=True) - rewards
        return rewards - sum_of_rest / (rewards.shape[1] - 1)
    mean = rewards.mean(axis=-1, keepdims=True)
    if variant == "dr-grpo":
        return rewards - mean
    if variant not in ("grpo", "dapo"):
        raise ValueError(f"the variant is {variant!r}; expected one of grpo, dapo, dr-grpo, rloo")
    deviation = rewards.std(axis=-1, ddof=1, keepdims=True)
    return (rewards - mean) / (deviation + FLOOR)


def has_signal(rewards: np.ndarray) -> np.ndarray:
    """Whether a group gives a gradient: its rewards are not all equal.

    rewards: [groups, rollouts]  float
    returns: [groups]            bool
    """
    return np.ptp(rewards, axis=-1) > SAME


def signs(rewards: np.ndarray) -> np.ndarray:
    """-1, 0 or 1: the sign of each advantage, free of rounding errors.

    rewards: [groups, rollouts]  float
    returns: [groups, rollouts]  int
    """
    deviation = rewards - rewards.mean(axis=-1, keepdims=True)
    return np.where(np.abs(deviation) > SAME, np.sign(deviation), 0).astype(int)
