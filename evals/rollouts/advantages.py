"""Advantages of GRPO: what training and the replay of a run compute from rewards."""

import numpy as np

FLOOR = 1e-6  # Tunix 0.1.7 adds it to the standard deviation
# Rewards that differ by less count as equal: the advantage of such a group is at most a thousandth,
# and rounding errors of sums in another order are far smaller.
SAME = 1e-9


SCALE_OF = {"grpo": "group", "dapo": "group", "gspo": "group", "cispo": "group",
            "dr-grpo": "none", "rloo": "none"}  # fmt: skip


def group_advantages(
    rewards: np.ndarray,
    variant: str = "grpo",
    scale: str = "variant",
    of_batch: np.ndarray | None = None,
) -> np.ndarray:
    """The advantage of each rollout: its reward less a baseline, over a standard deviation.

    Baselines: the mean of the group (arXiv:2402.03300, 4.1.2); rloo: the mean of the other rollouts
    of the group (arXiv:2402.14740).

    rewards: [groups, rollouts]  float, at least two rollouts in a group
    variant: of pipeline/loss/variants.py
    scale:   group (arXiv:2402.03300), batch: of all rewards of a step (arXiv:2508.08221), none
             (arXiv:2503.20783); variant: as the variant's paper has it
    of_batch: [groups, 1], that of each group's step where `scale` is batch; None: `rewards` are one
             step
    returns: [groups, rollouts]  float, with scales group and none bit-identical to Tunix's
    """
    if rewards.shape[1] < 2:
        raise ValueError(f"an advantage needs a group of 2 or more, got {rewards.shape[1]}")
    if variant not in SCALE_OF:
        raise ValueError(f"the variant is {variant!r}; expected one of {', '.join(SCALE_OF)}")
    if variant == "rloo":
        sum_of_rest = rewards.sum(axis=-1, keepdims=True) - rewards
        above = rewards - sum_of_rest / (rewards.shape[1] - 1)
    else:
        above = rewards - rewards.mean(axis=-1, keepdims=True)
    scale = SCALE_OF[variant] if scale == "variant" else scale
    if scale == "none":
        return above
    if scale == "group":
        return above / (rewards.std(axis=-1, ddof=1, keepdims=True) + FLOOR)
    if scale == "batch":
        return above / ((rewards.std(ddof=1) if of_batch is None else of_batch) + FLOOR)
    raise ValueError(f"the scale is {scale!r}; expected variant, group, batch or none")


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
