"""Replay of a run with other rewards: advantages, their signs, and groups with signal, compared."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from data.errors import UserError
from evals.rollouts.advantages import SAME, group_advantages, has_signal, signs
from evals.statistics import mean_of_clusters

MOVED = 1e-6  # smaller changes of an advantage are rounding errors of sums in another order
GROUP = ("step", "group")


def with_advantages(
    rollouts: pl.DataFrame, variant: str = "grpo", scale: str = "variant"
) -> pl.DataFrame:
    """`rollouts` (step, group, before, after) with the advantages of both rewards.

    rollouts: whole groups, the rollouts of a group in consecutive rows; with the column `deviation`
              where some of a step are left out, see `with_deviations`
    variant, scale: of the run, see `group_advantages`
    adds for both rewards: advantage_*, sign_* (-1, 0, 1), signal_* (of the group); and flipped:
    the sign of the advantage is the opposite with the new reward
    """
    added: dict[str, np.ndarray] = {}
    groups = list(_groups(rollouts))
    for side in ("before", "after"):
        rewards = rollouts[side].to_numpy()
        of_steps = (
            rollouts["deviation"].to_numpy()
            if side == "before" and "deviation" in rollouts.columns
            else _deviations(rewards, rollouts["step"].to_numpy())
        )
        advantage = np.empty(len(rewards))
        sign = np.empty(len(rewards), dtype=int)
        signal = np.empty(len(rewards), dtype=bool)
        for rows in groups:
            of_groups = rewards[rows]
            advantage[rows] = group_advantages(of_groups, variant, scale, of_steps[rows[:, :1]])
            sign[rows] = signs(of_groups)
            signal[rows] = has_signal(of_groups)[:, None]
        added |= {f"advantage_{side}": advantage, f"sign_{side}": sign, f"signal_{side}": signal}
    return rollouts.with_columns(
        **{name: pl.Series(values) for name, values in added.items()}
    ).with_columns(flipped=pl.col("sign_before") * pl.col("sign_after") < 0)


def with_deviations(rollouts: pl.DataFrame) -> pl.DataFrame:
    """`rollouts` (step, reward) with `deviation`: that of the rewards of each row's step."""
    steps = rollouts["step"].to_numpy()
    if (rollouts.group_by("step").len()["len"] < 2).any():
        return rollouts  # refused by `with_advantages`
    values = _deviations(rollouts["reward"].to_numpy(), steps)
    return rollouts.with_columns(deviation=pl.Series(values))


def _deviations(rewards: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """[rows]: the standard deviation of the rewards of each row's step, as training computes it."""
    order = np.argsort(steps, kind="stable")
    deviations = np.empty(len(rewards))
    for rows in np.split(order, np.flatnonzero(np.diff(steps[order])) + 1):
        deviations[rows] = rewards[rows].std(ddof=1)
    return deviations


def _groups(rollouts: pl.DataFrame) -> Iterator[np.ndarray]:
    """Row numbers of the rollouts of each group, once per size of group: [groups, rollouts]  int"""
    sizes = rollouts.group_by(GROUP, maintain_order=True).len()
    if (sizes["len"] < 2).any():
        step, group, n = sizes.filter(pl.col("len") < 2).row(0)
        raise UserError(
            f"group {group} of step {step} has {n} rollout; expected two or more, because an"
            " advantage is relative to the group. Name another run."
        )
    lengths = sizes["len"].to_numpy().astype(int)
    starts = np.cumsum(lengths) - lengths
    for size in np.unique(lengths):
        yield starts[lengths == size][:, None] + np.arange(size)


def summary(rollouts: pl.DataFrame) -> dict[str, Any]:
    """What changed over all `rollouts`.

    rollouts: problem_id, advantage (as stored), and the columns of `with_advantages`
    reproduced: number of stored advantages that the stored rewards reproduce bit for bit
    """
    stored, recomputed = rollouts["advantage"], rollouts["advantage_before"]
    moved = (rollouts["advantage_after"] - recomputed).abs()
    return {
        "problems": rollouts["problem_id"].n_unique(),
        "rollouts": rollouts.height,
        "reproduced": int((stored == recomputed).sum()),
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
    """rollouts: number of sign flips; then their share with its interval, a mean over problems."""
    rates = rollouts.group_by("problem_id").agg(pl.col("flipped").mean())["flipped"].to_numpy()
    return {"rollouts": int(rollouts["flipped"].sum()), **mean_of_clusters(rates).to_json()}


def _signal(groups: pl.DataFrame) -> dict[str, int]:
    """How many groups have rewards that are not all equal, before and after."""
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
