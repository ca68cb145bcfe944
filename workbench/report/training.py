"""Training in a report: what each run learned from, its curves, guards and checkpoints."""

from typing import Any

import polars as pl

from data.store import Store, ask
from evals.rollouts import steps as rollout_steps
from workbench.report.charts import Point

# title of a chart -> the metrics in it, under short names
CURVES = {
    "SFT loss [nats/token]": {"sft/train/loss": "loss"},
    "DPO loss": {"dpo/train/loss": "loss"},
    "preferred answers, share of pairs": {"dpo/train/rewards/accuracy": "chosen before rejected"},
    "change of log-probability [nats/token]": {
        "dpo/train/change/chosen": "chosen",
        "dpo/train/change/rejected": "rejected",
    },
    "reward": {"rollout/reward": "total"},
    "held-out accuracy": {"heldout/answer": "accuracy", "heldout/answer_of_mean": "of mean"},
    "rollouts, share": {"rollout/answer": "correct", "rollout/format": "valid format"},
    "length [tokens]": {"rollout/tokens": "mean"},
    "groups, share": {
        "rollout/zero_variance_groups": "zero variance",
        "rollout/mixed_groups": "correct and incorrect",
    },
    "truncated, empty, share": {"rollout/truncated": "truncated", "rollout/empty": "empty"},
    "KL to reference [nats/token]": {"actor/train/kl": "KL"},
    "entropy [nats/token]": {"actor/train/entropy": "entropy"},
    "gradient norm": {
        "actor/train/grad_norm": "GRPO",
        "dpo/train/grad_norm": "DPO",
        "sft/train/grad_norm": "SFT",
    },
    "sampler to trainer [nats/token]": {"actor/train/mismatch": "KL"},
}
FACTS = ("examples", "pairs", "problems", "heldout", "too_long", "bad_gold", "best_step",
         "stopped_at", "seconds")  # fmt: skip


def training(store: Store, run: dict[str, Any]) -> dict[str, Any]:
    """One training run: its facts, curves by title, guards, and checkpoints."""
    summary = run["summary"] or {}
    events = rollout_steps.guard_events(store, run["run"])
    return {
        "run": run["run"],
        "kind": run["kind"],
        "state": run["event"],
        "facts": {name.replace("_", " "): summary[name] for name in FACTS if name in summary},
        "heldout_answer": summary.get("heldout_answer"),
        "config": run["config"] or {},
        "curves": _curves(store, run["run"]),
        "guards": events.to_dicts(),
        "marks": sorted(set(events["first"].to_list())),
        "checkpoints": _checkpoints(store, run["run"]),
    }


def _curves(store: Store, run: str) -> dict[str, dict[str, list[Point]]]:
    rows = rollout_steps.series(store, run)
    parts = rollout_steps.reward_parts(store, run)
    curves: dict[str, dict[str, list[Point]]] = {}
    for title, metrics in CURVES.items():
        lines = {
            label: _points(rows, metric)
            for metric, label in metrics.items()
            if metric in set(rows["name"])
        }
        if title == "reward":
            lines |= {
                name: _points(parts, name) for name in parts["name"].unique(maintain_order=True)
            }
        if lines:
            curves[title] = lines
    return curves


def _points(rows: pl.DataFrame, name: str) -> list[Point]:
    of_name = rows.filter((pl.col("name") == name) & pl.col("value").is_not_null())
    return [(float(step), float(value)) for step, value in of_name.select("step", "value").rows()]


def _checkpoints(store: Store, run: str) -> list[dict[str, Any]]:
    return ask(
        store,
        "select step, metric, metric_n, best from checkpoints where run = $run and metric is not"
        " null and not best order by step",
        run=run,
    ).to_dicts()
