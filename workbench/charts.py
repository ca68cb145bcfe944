"""Charts of the app, over rows that the store has already counted."""

from typing import Any

import altair as alt
import polars as pl

METRICS = ("format", "answer", "partial")


def stage_intervals(rows: list[dict[str, Any]]) -> alt.LayerChart | alt.FacetChart:
    """A dot with its 95 % interval for each stage and metric; unknown values leave a gap.

    rows: as evals.report.stages gives them
    """
    points = pl.DataFrame(
        [
            {"stage": f"{row['stage']} ({row['run']})", "metric": name, **row[name]}
            for row in rows
            for name in METRICS
            if row[name] is not None and row[name]["value"] is not None
        ],
        schema={
            "stage": pl.String,
            "metric": pl.String,
            "value": pl.Float64,
            "low": pl.Float64,
            "high": pl.Float64,
            "n": pl.Int64,
        },
    )
    share = alt.Scale(domain=[0, 1])
    order = [f"{row['stage']} ({row['run']})" for row in rows]
    base = alt.Chart(points).encode(
        y=alt.Y("stage:N", sort=order, title=None, axis=alt.Axis(labelLimit=400)),
        color=alt.Color("metric:N", sort=list(METRICS), title=None),
        yOffset=alt.YOffset("metric:N", sort=list(METRICS)),
        tooltip=[
            "stage",
            "metric",
            "n",
            *(alt.Tooltip(name, format=".1%") for name in ("value", "low", "high")),
        ],
    )
    lines = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", scale=share, axis=alt.Axis(format="%"), title="share of problems"),
        x2="high:Q",
    )
    return lines + base.mark_point(filled=True, size=70).encode(x=alt.X("value:Q", scale=share))
