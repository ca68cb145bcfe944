"""Parts of the Rollouts page: collapse warnings, and curves by step."""

import polars as pl
import streamlit as st

from workbench.app.components import charts, plain_columns
from workbench.app.components.table import table

# title of a curve -> metrics of the run that it shows, the commonest first
CURVES = {
    "KL to reference [nats/token]": ("actor/train/kl",),
    "entropy [nats/token]": ("actor/train/entropy",),
    "held-out accuracy": ("heldout/answer", "heldout/answer_of_mean"),
    "valid format and accuracy": ("rollout/format", "rollout/answer"),
    "empty completions and resampled groups [share]": (
        "rollout/empty",
        "rollout/resampled_groups",
    ),
    "groups with correct and incorrect answers [share]": (
        "rollout/mixed_first_tries",
        "rollout/mixed_groups",
    ),
    "KL of sampler to trainer [nats/token]": ("actor/train/mismatch",),
    "clipped and capped tokens [share]": ("actor/train/pg_clipfrac", "actor/train/capped"),
    "gradient norm": ("actor/train/grad_norm",),
}


def warnings(events: pl.DataFrame) -> None:
    """The warnings of the collapse checks, or that there are none."""
    if events.is_empty():
        st.success("No collapse warnings.")
        return
    st.warning(
        "Collapse checks raised warnings; docs/decisions/0003-grpo-that-holds.md explains them."
    )
    table(events)


def by_step(
    steps: pl.DataFrame,
    series: pl.DataFrame,
    parts: pl.DataFrame,
    events: pl.DataFrame,
    step: int | None,
) -> None:
    """Small curves, three in a row; a rule marks the first warning of each collapse check."""
    curves: dict[str, pl.DataFrame] = {}
    if not steps.is_empty():
        total = steps.select(pl.lit("total").alias("name"), "step", pl.col("reward").alias("value"))
        curves["reward components"] = pl.concat([parts, total])
        curves["length [tokens]"] = named(steps, "tokens")
        curves["zero-variance groups, truncated completions [share]"] = pl.concat(
            [named(steps, "zero_variance", "zero variance"), named(steps, "truncated")]
        )
    for title, names in CURVES.items():
        rows = series.filter(pl.col("name").is_in(names))
        if not rows.is_empty():
            # without the prefix: long names in a legend make the charts wider than the page
            curves[title] = rows.with_columns(name=pl.col("name").str.split("/").list.last())
    marks = events["first"].to_list()
    escaped = {title: plain_columns(rows) for title, rows in curves.items()}
    chart = charts.curves(escaped, marks, step, charts.text_colour())
    # the chart has a fixed width: in a narrow window this block scrolls sideways, not the page
    block = st.container(horizontal=True, wrap=False).container()
    # the caption leaves room for the chart's own buttons, which would be cut off otherwise
    block.caption("By step. Grey: the step shown below. Red: the first collapse warning.")
    block.altair_chart(chart, width="content")


def named(steps: pl.DataFrame, column: str, name: str = "") -> pl.DataFrame:
    """One column of `steps` as rows of a curve: name, step, value."""
    return steps.select(pl.lit(name or column).alias("name"), "step", pl.col(column).alias("value"))
