"""The guards over a run that is past: at which step each sign would have stopped it.

A run of thinkbench has the metrics that the guards watch. Of an imported run they are computed from
its rollouts as far as these go; signs of KL, entropy and held-out accuracy stay unknown. A log that
has each tenth step is watched in these steps: a window is of five logged steps then.
"""

import math
from typing import Any

import numpy as np
import polars as pl

from data.progress import Progress
from data.store import Store, ask, state, within
from evals.graders import GRADERS
from evals.rollouts import SAME, is_imported, rollout_pages, verdict_grader
from pipeline.train.guards.collapse import CHECKS, Series, signs

# metrics that each sign needs; of two the sign needs both
NEEDS = {
    "held-out accuracy below the start": ("heldout/answer",),
    "empty completions": ("rollout/empty",),
    "shorter completions": ("rollout/tokens", "rollout/reward"),
    "KL": ("actor/train/kl",),
    "entropy gone": ("actor/train/entropy",),
    "format up, answers down": ("rollout/format", "rollout/answer"),
    "groups without a signal": ("rollout/zero_variance_groups", "rollout/answer"),
    "completions cut off": ("rollout/truncated",),
    "sampler and trainer disagree": ("actor/train/mismatch",),
    "chosen answers less likely": ("dpo/train/change/chosen",),
}


def past_signs(store: Store, run: str, progress: Progress | None = None) -> dict[str, Any]:
    """The object of `thinkbench rollouts guards`.

    stops_at: the step at which `grpo.guard = "stop"` would have stopped the run; null: at none
    signs: each that was present, with the first step, how many steps, and the value and limit then
    unknown: signs whose metrics the run lacks
    """
    series = _computed(store, run, progress) if is_imported(store, run) else _stored(store, run)
    steps = sorted({step for points in series.values() for step, _ in points})
    heldout = _heldout(store, run)
    present: dict[str, dict[str, Any]] = {}
    for step in steps:
        so_far = {n: [p for p in points if p[0] <= step] for n, points in series.items()}
        for sign in signs(so_far, heldout):
            entry = {"first": step, "steps": 0, "value": sign.value, "limit": sign.limit}
            present.setdefault(sign.name, entry)["steps"] += 1
    return {
        "run": run,
        "steps": len(steps),
        "stops_at": min((entry["first"] for entry in present.values()), default=None),
        "signs": [{"sign": name, **entry} for name, entry in present.items()],
        "unknown": [name for name in CHECKS if not all(series.get(need) for need in NEEDS[name])],
        "metrics": "of the rollouts" if is_imported(store, run) else "of the training",
    }


def _stored(store: Store, run: str) -> Series:
    rows = ask(
        within(store, [run]),
        """
        select name, step, arg_max(value, "at") as value from metrics
        where run = $run and not starts_with(name, 'guard/')
        group by name, step order by step
        """,
        run=run,
    )
    series: dict[str, list[tuple[int, float]]] = {}
    for name, step, value in rows.iter_rows():
        series.setdefault(name, []).append((step, value))
    return series


def _heldout(store: Store, run: str) -> int:
    """Number of held-out problems behind each accuracy; 0 where the run has none."""
    return int((state(store, run) or {"config": {}})["config"].get("heldout") or 0)


def _computed(store: Store, run: str, progress: Progress | None) -> Series:
    """The metrics that rollouts alone can say, by step. Steps without a value have no point."""
    grader = GRADERS[verdict_grader(store, run)]
    series: dict[str, list[tuple[int, float]]] = {}
    for page in rollout_pages(store, run, progress):
        for (step,), rows in page.group_by("step", maintain_order=True):
            for name, value in _of_step(rows, grader.grade).items():
                if value is not None and not math.isnan(value):
                    series.setdefault(name, []).append((int(str(step)), value))
    return series


def _of_step(rows: pl.DataFrame, grade: Any) -> dict[str, float | None]:
    scores = [grade(text, gold) for text, gold in rows.select("text", "gold").iter_rows() if gold]
    correct = [score.correct for score in scores if score.correct is not None]
    spread = rows.group_by("group").agg(
        same=(pl.col("reward").max() - pl.col("reward").min()) <= SAME
    )
    return {
        "rollout/reward": _mean(rows["reward"]),
        "rollout/tokens": _mean(rows["tokens"]),
        "rollout/truncated": _mean(rows["finish"] == "length"),
        "rollout/empty": _mean(rows["text"].str.strip_chars() == ""),
        "rollout/zero_variance_groups": _mean(spread["same"]),
        "rollout/format": float(np.mean([s.format for s in scores])) if scores else None,
        "rollout/answer": float(np.mean(correct)) if correct else None,
    }


def _mean(values: pl.Series) -> float | None:
    mean = values.cast(pl.Float64).mean()
    return None if mean is None else float(str(mean))
