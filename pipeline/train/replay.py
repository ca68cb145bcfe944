"""Stored rollouts under other rewards: what training would have been told, without a model."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from data.errors import UserError
from data.progress import Progress
from data.store import Store, ask, runs, within
from evals.rollouts import (
    apart,
    by_step,
    check_rewards,
    pages,
    steps_of,
    summary,
    with_advantages,
)
from pipeline.config import GrpoConfig
from pipeline.train.reward_file import BadRewards, load, value_of
from pipeline.train.rewards import Reward, judged, rewards_of

KEPT = ("step", "group", "problem_id", "advantage", "before", "after", "advantage_before",
        "advantage_after", "signal_before", "signal_after", "flipped")  # fmt: skip
OWN = "the run's own"
Flips = Callable[[dict[str, Any]], None]  # is given each rollout whose sign flips


def replay(
    store: Store,
    run: str,
    file: Path | None = None,
    flips: Flips = lambda row: None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """The object of `thinkbench rewards replay`.

    file: of rewards, which is run (pipeline/train/reward_file.py); None: the run's own
    without_gold: rollouts left out, because the store has lost their problems
    unknown: rollouts whose verdict is unknown; rewards may leave such out of their sums
    parts: means over the rollouts for which the part was a number, n of them, unweighted
    """
    rewards, digest = load(file) if file else (own_rewards(store, run), None)
    weights, variant = dict(_stored_weights(store, run)), variant_of(store, run)
    kept: list[pl.DataFrame] = []
    sums = {name: np.zeros(2) for name in weights}  # of a part: sum and count
    new_sums = {reward.name: np.zeros(2) for reward in rewards}
    without_gold = unknown = 0
    for page in pages(store, run, progress):
        check_rewards(page, run)
        known = page.filter(pl.col("gold").is_not_null())
        without_gold += page.height - known.height
        if known.is_empty():
            continue
        values, undecided = scored(known, rewards)
        unknown += undecided
        both = with_advantages(
            known.rename({"reward": "before"}).with_columns(
                pl.Series("after", total(values, rewards))
            ),
            variant,
        )
        _add(sums, _stored_values(known, list(weights)))
        _add(new_sums, dict(zip(new_sums, values.T, strict=True)))
        for place in np.flatnonzero(both["flipped"]):
            flips(_flip(both.row(int(place), named=True), rewards, values[place]))
        kept.append(apart(both.select(KEPT)))
    if not kept:
        raise UserError(
            f"the store has no gold for any problem of run {run!r}; expected the problems that it"
            " was trained on. Ingest and convert them again: thinkbench ingest, thinkbench convert"
        )
    rollouts = pl.concat(kept)
    new_weights = {reward.name: reward.weight for reward in rewards}
    return {
        "run": run,
        "rewards": str(file) if file else OWN,
        "sha256": digest,
        "variant": variant,
        **summary(rollouts),
        "without_gold": without_gold,
        "unknown": unknown,
        "parts": [
            {
                "name": name,
                "before": _part(weights.get(name), sums.get(name)),
                "after": _part(new_weights.get(name), new_sums.get(name)),
            }
            for name in dict.fromkeys([*weights, *new_weights])
        ],
        "steps": by_step(rollouts),
    }


def own_rewards(store: Store, run: str) -> list[Reward]:
    """The rewards that `run` was trained with, by their stored names and weights."""
    known = {reward.name: reward for reward in rewards_of(GrpoConfig())}
    stored = _stored_weights(store, run)
    if strange := [name for name, _ in stored if name not in known]:
        raise BadRewards(
            f"run {run!r} was rewarded for {', '.join(strange)}; this code has"
            f" {', '.join(known)}. Name a file that defines them: --rewards FILE.py"
        )
    return [replace(known[name], weight=weight) for name, weight in stored]


def variant_of(store: Store, run: str) -> str:
    """Which variant of GRPO `run` was trained by; the usual one where the store has no word of it.

    Rollouts may come from a store whose runs are elsewhere.
    """
    known = runs.state(store, run)
    return str((known or {"config": {}})["config"].get("variant", GrpoConfig().variant))


def _stored_weights(store: Store, run: str) -> list[tuple[str, float]]:
    """Name and weight of each part, in the order in which the trainer summed them."""
    steps_of(store, run)
    found = ask(
        within(store, [run]),
        """
        select list_transform(rewards, lambda part: {name: part.name, weight: part.weight}) as parts
        from rollouts where run = $run
        group by parts
        limit 2
        """,
        run=run,
    )
    parts = found["parts"].to_list()[0] or []
    named = [(part["name"], part["weight"]) for part in parts]
    if found.height != 1 or not named or len(dict(named)) < len(named):
        raise UserError(
            f"the rollouts of run {run!r} were not all rewarded alike, or not at all; expected the"
            " same named parts with the same weights of each. Name another run."
        )
    return named


def scored(rollouts: pl.DataFrame, rewards: list[Reward]) -> tuple[np.ndarray, int]:
    """What each reward gives each rollout (text, gold), and how many verdicts are unknown.

    returns: [rollouts, rewards]  float, unweighted, nan where left out of the sum
    """
    values = np.empty((rollouts.height, len(rewards)))
    unknown = 0
    for place, (text, gold) in enumerate(rollouts.select("text", "gold").iter_rows()):
        score = judged(text, gold)
        unknown += score.correct is None
        try:
            values[place] = [value_of(reward, text, gold, score) for reward in rewards]
        except BadRewards as error:
            row = rollouts.row(place, named=True)
            raise BadRewards(
                f"{error}. It was for step {row['step']}, group {row['group']}, sample"
                f" {row['sample']}, problem {row['problem_id']}, text {text[:60]!r}. Mend the"
                " reward, then give the command again."
            ) from error
    return values, unknown


def total(values: np.ndarray, rewards: list[Reward]) -> np.ndarray:
    """The weighted sum as Tunix takes it, to the last bit: nan is left out.

    values:  [rollouts, rewards]  float
    returns: [rollouts]           float
    """
    return np.nansum(values * np.array([reward.weight for reward in rewards]), axis=1)


def _stored_values(rollouts: pl.DataFrame, names: list[str]) -> dict[str, np.ndarray]:
    """Name of a part -> its stored values, one a rollout."""
    table = np.array(
        rollouts["rewards"].list.explode().struct.field("value").to_numpy(), dtype=float
    ).reshape(rollouts.height, len(names))
    return dict(zip(names, table.T, strict=True))


def _add(sums: dict[str, np.ndarray], values: dict[str, np.ndarray]) -> None:
    for name, each in values.items():
        sums[name] += np.nansum(each), np.isfinite(each).sum()


def _part(weight: float | None, sums: np.ndarray | None) -> dict[str, Any] | None:
    if sums is None:
        return None
    of_all, n = float(sums[0]), int(sums[1])
    return {"weight": weight, "mean": of_all / n if n else None, "n": n}


def _flip(row: dict[str, Any], rewards: list[Reward], values: np.ndarray) -> dict[str, Any]:
    """A rollout whose sign flips, as a line of JSON; what is unknown is null."""
    names = ("step", "group", "sample", "problem_id", "gold", "text")
    said = {
        "before": {part["name"]: _known(part["value"]) for part in row["rewards"]},
        "after": {
            reward.name: _known(float(value)) for reward, value in zip(rewards, values, strict=True)
        },
    }
    return {name: row[name] for name in names} | {
        side: {"reward": row[side], "advantage": row[f"advantage_{side}"], "parts": said[side]}
        for side in ("before", "after")
    }


def _known(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else value
