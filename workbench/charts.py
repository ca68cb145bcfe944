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


def funnel(counts: dict[str, int]) -> alt.LayerChart | alt.FacetChart:
    """A bar for each count of data.audit.outcomes, in its order, with its number."""
    rows = pl.DataFrame(
        {"what": [name.replace("_", " ") for name in counts], "rows": list(counts.values())}
    )
    base = alt.Chart(rows, height=30 * len(counts)).encode(
        x=alt.X("rows:Q", title="rows"),
        y=alt.Y("what:N", sort=None, title=None, axis=alt.Axis(labelOverlap=False)),
        tooltip=["what", alt.Tooltip("rows", format=",")],
    )
    numbers = base.mark_text(align="left", dx=4).encode(text=alt.Text("rows:Q", format=","))
    return base.mark_bar(size=14) + numbers


def steps(longest: int, n: int = 24) -> list[int]:
    """`n` or fewer round budgets up to `longest`, for a curve."""
    return sorted({max(1, round(longest * place / n)) for place in range(1, n + 1)})


def survival(points: list[dict[str, Any]]) -> alt.LayerChart | alt.FacetChart:
    """The share of examples that each budget keeps, with its interval.

    points: as evals.survival.survival gives them
    """
    known = [point for point in points if point["value"] is not None]
    columns = {"budget": pl.Int64, "n": pl.Int64}
    columns |= dict.fromkeys(("value", "low", "high"), pl.Float64)
    rows = pl.DataFrame(
        [{name: point[name] for name in columns} for point in known], schema=columns
    )
    base = alt.Chart(rows).encode(
        x=alt.X("budget:Q", scale=alt.Scale(type="log", nice=False), title="tokens"),
        tooltip=[
            "budget",
            "n",
            *(alt.Tooltip(name, format=".1%") for name in ("value", "low", "high")),
        ],
    )
    share = alt.Scale(domain=[0, 1])
    band = base.mark_area(opacity=0.25).encode(y=alt.Y("low:Q", scale=share), y2="high:Q")
    axis = alt.Axis(format="%")
    title = "examples whose answer is kept"
    return band + base.mark_line(point=True).encode(
        y=alt.Y("value:Q", scale=share, axis=axis, title=title)
    )
