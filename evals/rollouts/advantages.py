"""Advantages of GRPO, computed again from rewards as the trainer computes them."""

import numpy as np

FLOOR = 1e-6  # Tunix 0.1.7 adds it to the standard deviation
# Rewards that differ by less are the same: the advantage of such a group is at most a thousandth,
# and sums of the same parts in another order differ by far less.
SAME = 1e-9


def advantages(rewards: np.ndarray, variant: str = "grpo") -> np.ndarray:
    """What each rollout is pushed by, as `variant` has it (pipeline/loss/variants.py).

    grpo, dapo  less the mean of the group, over its standard deviation (arXiv:2402.03300, 4.1.2)
    dr-grpo     less the mean of the group (arXiv:2503.20783)
    rloo        less the mean of the others of the group (arXiv:2402.14740)

    The same numbers, to the last bit, as those that Tunix trains on.

    rewards: [groups, rollouts]  float, at least two rollouts in a group
    returns: [groups, rollouts]  float
    """
    if rewards.shape[1] < 2:
        raise ValueError(f"an advantage needs a group of 2 or more, got {rewards.shape[1]}")
    if variant == "rloo":
        others = rewards.sum(axis=-1, keepdims=True) - rewards
        return rewards - others / (rewards.shape[1] - 1)
    mean = rewards.mean(axis=-1, keepdims=True)
    if variant == "dr-grpo":
        return rewards - mean
    if variant not in ("grpo", "dapo"):
        raise ValueError(f"no advantage is known for the variant {variant!r}")
    deviation = rewards.std(axis=-1, ddof=1, keepdims=True)
    return (rewards - mean) / (deviation + FLOOR)


def has_signal(rewards: np.ndarray) -> np.ndarray:
    """Whether a group teaches anything: its rewards are not all the same.

    rewards: [groups, rollouts]  float
    returns: [groups]            bool
    """
    return np.ptp(rewards, axis=-1) > SAME


def signs(rewards: np.ndarray) -> np.ndarray:
    """-1, 0 or 1: what training does to each rollout, free of rounding errors.

    rewards: [groups, rollouts]  float
    returns: [groups, rollouts]  int
    """
    away = rewards - rewards.mean(axis=-1, keepdims=True)
    return np.where(np.abs(away) > SAME, np.sign(away), 0).astype(int)
