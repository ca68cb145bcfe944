"""Replay of stored rollouts with other rewards: what training would have seen. Needs no model."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from data.errors import UserError
from data.progress import Progress
from data.store import Store, ask, runs, within
from evals.rollouts import (
    by_step,
    check_rewards,
    comparable_rollouts,
    deep_copy,
    is_imported,
    rollout_pages,
    rollouts_per_step,
    summary,
    with_advantages,
    with_deviations,
)
from pipeline.config import GrpoConfig
from pipeline.train.rewards.parts import JudgeReward, Part, judge, rewards_of, total_reward
from pipeline.train.rewards.reward_file import BadRewards, load, value_of

COLUMNS = ("step", "group", "problem_id", "advantage", "before", "after", "advantage_before",
           "advantage_after", "signal_before", "signal_after", "flipped")  # fmt: skip
OWN = "the run's own"
OnFlip = Callable[[dict[str, Any]], None]  # takes each rollout whose advantage changes its sign


def replay(
    store: Store,
    run: str,
    file: Path | None = None,
    on_flip: OnFlip = lambda row: None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """The object of `thinkbench rewards replay`.

    file: Python file of rewards, which is run (reward_file.py); None: the run's own

    without_gold: rollouts that were left out, because the store no longer has their problems
    left_out: of an import, rollouts without a reward, or alone in their group
    unknown: rollouts whose score is undecided; rewards may leave these out of their sums
    parts: means over the n rollouts for which the part was a number, before the weight
    """
    rewards, digest = load(file) if file else (own_rewards(store, run), None)
    stored_weights, config = dict(_stored_weights(store, run)), _config_of(store, run)
    before = _PartMeans(stored_weights)
    after = _PartMeans({reward.name: reward.weight for reward in rewards})
    pages_done: list[pl.DataFrame] = []
    without_gold = unknown = left_out = 0
    of_import = is_imported(store, run)
    for page in rollout_pages(store, run, progress):
        if of_import:
            page, sampled = comparable_rollouts(page), page.height
            left_out += sampled - page.height
        check_rewards(page, run)
        page = with_deviations(page)  # of whole steps, also where a reference answer is gone
        rollouts = page.filter(pl.col("gold").is_not_null())
        without_gold += page.height - rollouts.height
        if rollouts.is_empty():
            continue
        values, undecided = scored(rollouts, rewards)
        unknown += undecided
        before.add(_stored_values(rollouts, len(stored_weights)))
        after.add(values)
        compared = _compared(rollouts, total_reward(values, rewards), config)
        for index in np.flatnonzero(compared["flipped"]):
            on_flip(_flip(compared.row(int(index), named=True), rewards, values[index]))
        pages_done.append(deep_copy(compared.select(COLUMNS)))
    if not pages_done:
        raise UserError(
            f"the store has no reference answer for any problem of run {run!r}; expected the"
            " problems that it was trained on. Ingest and convert them again: thinkbench ingest,"
            " thinkbench convert"
        )
    result = pl.concat(pages_done)
    return {
        "run": run,
        "rewards": str(file) if file else OWN,
        "sha256": digest,
        **config,
        **summary(result),
        "without_gold": without_gold,
        "left_out": left_out,
        "unknown": unknown,
        "parts": [
            {"name": name, "before": before.of(name), "after": after.of(name)}
            for name in dict.fromkeys([*before.weights, *after.weights])
        ],
        "steps": by_step(result),
    }


def _compared(rollouts: pl.DataFrame, rewards: np.ndarray, config: dict[str, str]) -> pl.DataFrame:
    """`rollouts` with the reward and advantage before and after."""
    columns = rollouts.rename({"reward": "before"}).with_columns(pl.Series("after", rewards))
    return with_advantages(columns, **config)


class _PartMeans:
    """The mean of each part of the reward over all rollout_pages, where the part was a number."""

    def __init__(self, weights: dict[str, float]) -> None:
        self.weights = weights
        self._sums, self._counts = np.zeros(len(weights)), np.zeros(len(weights))

    def add(self, values: np.ndarray) -> None:
        """values: [rollouts, parts]  float"""
        self._sums += [np.nansum(column) for column in values.T]
        self._counts += np.isfinite(values).sum(axis=0)

    def of(self, name: str) -> dict[str, Any] | None:
        if name not in self.weights:
            return None
        index = list(self.weights).index(name)
        total, n = float(self._sums[index]), int(self._counts[index])
        return {"weight": self.weights[name], "mean": total / n if n else None, "n": n}


def own_rewards(store: Store, run: str) -> list[Part]:
    """The rewards that `run` was trained with, by their stored names and weights."""
    stored = _stored_weights(store, run)
    available = {reward.name: reward for reward in rewards_of(_knobs_of(store, run))}
    if missing := [name for name, _ in stored if name not in available]:
        raise BadRewards(
            f"run {run!r} was rewarded for {', '.join(missing)}; this code has"
            f" {', '.join(available)}. Name a file that defines them: --rewards FILE.py"
        )
    return [replace(available[name], weight=weight) for name, weight in stored]


def _config_of(store: Store, run: str) -> dict[str, str]:
    """`variant` and `scale` of the run."""
    config = _knobs_of(store, run)
    return {"variant": config.variant, "scale": config.scale}


def _knobs_of(store: Store, run: str) -> GrpoConfig:
    """The knobs of the run; the defaults for those it lacks, or if the store has no such run.

    Rollouts may come from a store whose runs are elsewhere.
    """
    config = (runs.state(store, run) or {"config": {}})["config"]
    names = {knob.name for knob in fields(GrpoConfig)}
    return GrpoConfig(**{name: value for name, value in config.items() if name in names})


def _stored_weights(store: Store, run: str) -> list[tuple[str, float]]:
    """Name and weight of each part, in the order of the sum."""
    rollouts_per_step(store, run)
    distinct = ask(
        within(store, [run]),
        """
        select list_transform(rewards, lambda part: {name: part.name, weight: part.weight}) as parts
        from rollouts where run = $run
        group by parts
        limit 2
        """,
        run=run,
    )
    parts = distinct["parts"].to_list()[0] or []
    named = [(part["name"], part["weight"]) for part in parts]
    if distinct.height != 1 or not named or len(dict(named)) < len(named):
        raise UserError(
            f"the rollouts of run {run!r} do not all have the same rewards, or have none; expected"
            " the same parts with the same weights for each. Name another run."
        )
    return named


def scored(rollouts: pl.DataFrame, rewards: Sequence[Part]) -> tuple[np.ndarray, int]:
    """The value of each reward for each rollout, and how many scores are undecided.

    rollouts: text, gold, tokens

    returns: [rollouts, rewards]  float, before the weight, nan where left out of the sum
    """
    values = np.empty((rollouts.height, len(rewards)))
    undecided = 0
    columns = rollouts.select("text", "gold", "tokens", "rewards")
    for index, (text, gold, tokens, parts) in enumerate(columns.iter_rows()):
        score = judge(text, gold)
        undecided += score.correct is None
        stored = {part["name"]: part["value"] for part in parts}
        try:
            values[index] = [
                # a judge is not asked again: what it said is stored
                stored[reward.name]
                if isinstance(reward, JudgeReward)
                else value_of(reward, text, gold, score, tokens)
                for reward in rewards
            ]
        except BadRewards as error:
            row = rollouts.row(index, named=True)
            raise BadRewards(
                f"{error}. It was for step {row['step']}, group {row['group']}, sample"
                f" {row['sample']}, problem {row['problem_id']}, text {text[:60]!r}. Correct the"
                " reward, then run the command again."
            ) from error
    return values, undecided


def _stored_values(rollouts: pl.DataFrame, parts: int) -> np.ndarray:
    """[rollouts, parts]  float: the stored values of each part."""
    values = rollouts["rewards"].list.explode().struct.field("value").to_numpy()
    return np.array(values, dtype=float).reshape(rollouts.height, parts)


def _flip(row: dict[str, Any], rewards: Sequence[Part], values: np.ndarray) -> dict[str, Any]:
    """A rollout whose advantage changes its sign, as a line of JSON; nan is null."""
    names = ("step", "group", "sample", "problem_id", "gold", "text")
    parts = {
        "before": {part["name"]: _or_null(part["value"]) for part in row["rewards"]},
        "after": {
            reward.name: _or_null(float(value))
            for reward, value in zip(rewards, values, strict=True)
        },
    }
    return {name: row[name] for name in names} | {
        side: {"reward": row[side], "advantage": row[f"advantage_{side}"], "parts": parts[side]}
        for side in ("before", "after")
    }


def _or_null(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else value
