"""What other rewards would have told training: advantages, their signs, groups with signal."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from data.errors import UserError
from evals.rollouts.advantages import SAME, advantages, has_signal, signs
from evals.statistics import mean_of_clusters

MOVED = 1e-6  # advantages that differ by less are the same: sums in another order differ by less
GROUP = ("step", "group")


def with_advantages(rollouts: pl.DataFrame, variant: str = "grpo") -> pl.DataFrame:
    """`rollouts` (step, group, before, after: whole groups, side by side) and what follows of them.

    variant: of the run that they are of, see `advantages`

    Adds for both rewards: advantage_*, sign_* (-1, 0, 1), signal_* (of its group); and flipped:
    training pushed it one way and would push it the other way.
    """
    added: dict[str, np.ndarray] = {}
    for side in ("before", "after"):
        rewards = rollouts[side].to_numpy()
        advantage = np.empty(len(rewards))
        sign = np.empty(len(rewards), dtype=int)
        signal = np.empty(len(rewards), dtype=bool)
        for places in _groups(rollouts):
            of_groups = rewards[places]
            advantage[places] = advantages(of_groups, variant)
            sign[places] = signs(of_groups)
            signal[places] = has_signal(of_groups)[:, None]
        added |= {f"advantage_{side}": advantage, f"sign_{side}": sign, f"signal_{side}": signal}
    return rollouts.with_columns(
        **{name: pl.Series(each) for name, each in added.items()}
    ).with_columns(flipped=pl.col("sign_before") * pl.col("sign_after") < 0)


def _groups(rollouts: pl.DataFrame) -> Iterator[np.ndarray]:
    """Places of the rollouts of each group, for each size of group: [groups, rollouts]  int"""
    sizes = rollouts.group_by(GROUP, maintain_order=True).len()
    if (sizes["len"] < 2).any():
        step, group, n = sizes.filter(pl.col("len") < 2).row(0)
        raise UserError(
            f"group {group} of step {step} has {n} rollout; expected two or more, as an advantage"
            " needs peers. Name another run."
        )
    lengths = sizes["len"].to_numpy().astype(int)
    starts = np.cumsum(lengths) - lengths
    for size in np.unique(lengths):
        yield starts[lengths == size][:, None] + np.arange(size)


def summary(rollouts: pl.DataFrame) -> dict[str, Any]:
    """What changed over all `rollouts`, which are those of `with_advantages`.

    rollouts: problem_id, advantage (as stored), and the columns of `with_advantages`
    reproduced: stored advantages that the stored rewards give again, to the last bit
    """
    stored, again = rollouts["advantage"], rollouts["advantage_before"]
    moved = (rollouts["advantage_after"] - again).abs()
    return {
        "problems": rollouts["problem_id"].n_unique(),
        "rollouts": rollouts.height,
        "reproduced": int((stored == again).sum()),
        "reward": {
            "before": rollouts["before"].mean(),
            "after": rollouts["after"].mean(),
            "changed": int(_changed(rollouts).sum()),
        },
        "advantage": {
            "changed": int((moved > MOVED).sum()),
            "mean_absolute_change": moved.mean(),
        },
        "sign_flips": _flips(rollouts),
        "groups": _signal(rollouts.unique(GROUP, maintain_order=True)),
    }


def _changed(rollouts: pl.DataFrame) -> pl.Series:
    return (rollouts["after"] - rollouts["before"]).abs() > SAME


def _flips(rollouts: pl.DataFrame) -> dict[str, Any]:
    """rollouts: how many flip; then their share with its interval, as the mean over problems."""
    rates = rollouts.group_by("problem_id").agg(pl.col("flipped").mean())["flipped"].to_numpy()
    return {"rollouts": int(rollouts["flipped"].sum()), **mean_of_clusters(rates).to_json()}


def _signal(groups: pl.DataFrame) -> dict[str, int]:
    """How many groups have rewards that differ, before and after."""
    before, after = groups["signal_before"], groups["signal_after"]
    return {
        "n": groups.height,
        "with_signal_before": int(before.sum()),
        "with_signal_after": int(after.sum()),
        "gained": int((~before & after).sum()),
        "lost": int((before & ~after).sum()),
    }


def by_step(rollouts: pl.DataFrame) -> list[dict[str, Any]]:
    """The same counts for each step, in order."""
    return [
        {
            "step": step,
            "rollouts": part.height,
            "reward_before": part["before"].mean(),
            "reward_after": part["after"].mean(),
            "changed": int(_changed(part).sum()),
            "flips": int(part["flipped"].sum()),
            "groups": signal["n"],
            "gained": signal["gained"],
            "lost": signal["lost"],
        }
        for (step,), part in rollouts.group_by("step", maintain_order=True)
        for signal in [_signal(part.unique("group"))]
    ]
