"""The rollouts of one step as rows of the store: groups, samples, and advantages where none is."""

import numpy as np
import polars as pl

from evals.imports.rollout_logs.problems import FROM_STORE
from evals.rollouts import group_advantages

UNIFORM = pl.List(pl.Struct({"name": pl.String, "value": pl.Float64, "weight": pl.Float64}))


def rows_of_step(
    rows: pl.DataFrame, problems: pl.DataFrame, part_names: list[tuple[str, ...]]
) -> pl.DataFrame:
    """The columns of the tables `rollouts` and `rollout_origins`, by group and sample.

    rows: of one step, as staged; a group has the number of its first row
    problems: as of `problem_ids_of_log`
    part_names: all combinations of reward parts in the log; each row gets all parts
    """
    numbered = rows.join(
        problems.rename({"number": "problem"}).with_columns(pl.col("problem").cast(pl.Int64)),
        on="problem",
        how="left",
        maintain_order="left",
    ).with_columns(_group_numbers(rows).alias("group_number"))
    ordered = numbered.with_columns(
        sample=pl.int_range(pl.len(), dtype=pl.Int32).over("group_number")
    ).sort("group_number", "sample")
    if len(part_names) > 1:
        ordered = ordered.with_columns(rewards=_with_all_parts(ordered["rewards"], part_names))
    return (
        _with_advantages(ordered)
        .with_columns(
            recomputed=pl.when(pl.col("gold_from") == FROM_STORE)
            .then(pl.concat_list("recomputed", pl.lit("gold")))
            .otherwise("recomputed"),
            attempt=pl.lit(0, pl.Int32),
        )
        .drop("group")
        .rename({"group_number": "group"})
    )


def _group_numbers(rows: pl.DataFrame) -> pl.Series:
    """0, 1, ... in the order in which the groups of the step begin."""
    begins = rows.with_row_index("at").select(pl.col("at").min().over("group"))["at"]
    return begins.rank("dense").cast(pl.Int64) - 1


def _with_all_parts(rewards: pl.Series, part_names: list[tuple[str, ...]]) -> pl.Series:
    """Rewards with every part of the log; those that a row lacks are nan."""
    weights: dict[str, float] = {name: 1.0 for names in part_names for name in names}
    lists = []
    for parts in rewards.to_list():
        own = {part["name"]: part for part in parts}
        lists.append(
            [
                own.get(name) or {"name": name, "value": float("nan"), "weight": weight}
                for name, weight in weights.items()
            ]
        )
    return pl.Series(rewards.name, lists, dtype=UNIFORM)


def _with_advantages(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` with the advantages of groups that lack one, by the formula of GRPO, and marked.

    None where a group has one rollout, or a reward is unknown. Discarded rollouts have none.
    """
    advantages, recomputed = rows["advantage"].to_list(), rows["recomputed"].to_list()
    trained = rows.with_row_index("at").filter(~pl.col("discarded"))
    for group in trained.partition_by("group_number", maintain_order=True):
        rewards = group["reward"]
        if not group["advantage"].null_count() or len(group) < 2 or rewards.null_count():
            continue
        values = group_advantages(np.array([rewards.to_list()]))[0]
        for at, value in zip(group["at"].to_list(), values.tolist(), strict=True):
            advantages[at] = value
            recomputed[at] = [*recomputed[at], "advantage"]
    return rows.with_columns(
        advantage=pl.when("discarded")
        .then(None)
        .otherwise(pl.Series(advantages, dtype=pl.Float64)),
        recomputed=pl.Series(recomputed, dtype=pl.List(pl.String)),
    )
