"""Charts of the app, over counts and curves that are already computed."""

from collections.abc import Mapping
from typing import Any

import altair as alt
import polars as pl
import streamlit as st

METRICS = ("format", "answer", "partial")
SIGNIFICANT, NOT_SIGNIFICANT = "p < 0.05", "not significant"
NAMES = alt.Axis(labelLimit=300, labelOverlap=False, labelFlush=False)
COUNTS = alt.Axis(format=",d", tickMinStep=1, labelFlush=True)  # no ticks at fractions
# Vega's default format shows a curve that stays at 44 as 44.000000
VALUES = alt.Axis(format=".4~g", tickCount=5, minExtent=36)
# pixels of one of several curves: three with their axes fill a window of 1,440 beside its menu
PANEL = (270, 130)


def text_colour() -> str:
    """The colour of text in a chart, on the background that the browser asks for."""
    return "#dcdedf" if st.context.theme.type == "dark" else "#25282c"


def tips(*names: str) -> list[alt.Tooltip]:
    """Tooltips of these columns. (Altair takes milliseconds to resolve a plain string.)"""
    return [alt.Tooltip(name) for name in names]


def counts(*names: str) -> list[alt.Tooltip]:
    """Tooltips of columns that hold whole numbers."""
    return [alt.Tooltip(name, format=",d") for name in names]


def stage_intervals(rows: list[dict[str, Any]]) -> alt.LayerChart | alt.FacetChart:
    """A dot with its 95 % interval for each stage and metric; unknown values leave a gap.

    rows: as evals.comparison.compare.stages gives them
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
            *tips("stage", "metric"),
            *counts("n"),
            *(alt.Tooltip(name, format=".1%") for name in ("value", "low", "high")),
        ],
    )
    lines = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", scale=share, axis=alt.Axis(format="%"), title="share of problems"),
        x2=alt.X2("high:Q"),
    )
    return lines + base.mark_point(filled=True, opacity=1, size=70).encode(
        x=alt.X("value:Q", scale=share)
    )


def funnel(counts_by_step: dict[str, int], ink: str) -> alt.LayerChart | alt.FacetChart:
    """A bar with its number for each count, in order.   ink: the colour of text"""
    rows = pl.DataFrame(
        {
            "what": [name.replace("_", " ") for name in counts_by_step],
            "rows": list(counts_by_step.values()),
        }
    )
    base = alt.Chart(rows, height=alt.Step(28)).encode(
        x=alt.X("rows:Q", title="rows", axis=COUNTS),
        y=alt.Y("what:N", sort=None, title=None, axis=NAMES),
        tooltip=[*tips("what"), *counts("rows")],
    )
    numbers = base.mark_text(align="left", dx=4, color=ink).encode(
        text=alt.Text("rows:Q", format=",")
    )
    return base.mark_bar(size=14) + numbers


def steps(longest: int, n: int = 24) -> list[int]:
    """At most `n` budgets, evenly spaced up to `longest`, for a curve."""
    return sorted({max(1, round(longest * i / n)) for i in range(1, n + 1)})


def survival(points: list[dict[str, Any]]) -> alt.LayerChart | alt.FacetChart:
    """The share of examples whose answer fits each token budget, with its interval.

    points: as evals.audit.token_budget.survival gives them
    """
    measured = [point for point in points if point["value"] is not None]
    columns = {"budget": pl.Int64, "n": pl.Int64}
    columns |= dict.fromkeys(("value", "low", "high"), pl.Float64)
    rows = pl.DataFrame(
        [{name: point[name] for name in columns} for point in measured], schema=columns
    )
    base = alt.Chart(rows).encode(
        x=alt.X(
            "budget:Q",
            scale=alt.Scale(type="log", nice=False),
            title="tokens",
            axis=alt.Axis(format=",d"),
        ),
        tooltip=[
            *counts("budget", "n"),
            *(alt.Tooltip(name, format=".1%") for name in ("value", "low", "high")),
        ],
    )
    share = alt.Scale(domain=[0, 1])
    band = base.mark_area(opacity=0.25).encode(y=alt.Y("low:Q", scale=share), y2=alt.Y2("high:Q"))
    axis = alt.Axis(format="%")
    title = "examples whose answer fits"
    return band + base.mark_line(point=True).encode(
        y=alt.Y("value:Q", scale=share, axis=axis, title=title)
    )


def differences(rows: list[dict[str, Any]], ink: str) -> alt.LayerChart | alt.FacetChart:
    """A dot with its 95 % interval for each difference; Holm's p < 0.05 is coloured.

    rows: label, difference, low, high, n, holm; in the order that they are drawn
    """
    drawn = [
        {name: row[name] for name in ("label", "difference", "low", "high", "n")}
        | {"significance": SIGNIFICANT if (row["holm"] or 1) < 0.05 else NOT_SIGNIFICANT}
        for row in rows
        if row["difference"] is not None and row["low"] is not None
    ]
    schema = {"label": pl.String, "difference": pl.Float64, "low": pl.Float64, "high": pl.Float64,
              "n": pl.Int64, "significance": pl.String}  # fmt: skip
    frame = pl.DataFrame(drawn, schema=schema)
    base = alt.Chart(frame).encode(
        y=alt.Y("label:N", sort=None, title=None, axis=NAMES),
        color=alt.Color(
            "significance:N",
            scale=alt.Scale(domain=[SIGNIFICANT, NOT_SIGNIFICANT], range=["#4a7fb5", "#8a8f98"]),
            legend=alt.Legend(title=None, orient="bottom"),
        ),
        tooltip=[*tips("label"), *counts("n"), *(alt.Tooltip(name, format="+.1%") for name in
                                        ("difference", "low", "high"))],
    )  # fmt: skip
    axis = alt.Axis(format="+%")
    lines = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", axis=axis, title="difference in accuracy"), x2=alt.X2("high:Q")
    )
    zero = alt.Chart(pl.DataFrame({"x": [0.0]})).mark_rule(
        strokeDash=[3, 3], opacity=0.5, color=ink
    )
    dots = base.mark_point(filled=True, opacity=1, size=60).encode(
        x=alt.X("difference:Q", axis=axis)
    )
    return (zero.encode(x=alt.X("x:Q")) + lines + dots).properties(height=110 + 26 * len(drawn))


def causes(
    gains: dict[str, int], losses: dict[str, int], ink: str
) -> alt.LayerChart | alt.FacetChart:
    """Problems gained (bars to the right) and lost (to the left), by cause."""
    rows = [("gained", name, n, n) for name, n in gains.items() if n]
    rows += [("lost", name, -n, n) for name, n in losses.items() if n]
    schema = {"what": pl.String, "cause": pl.String, "signed": pl.Int64, "problems": pl.Int64}
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        label=pl.format("{}: {}", "what", "cause")
    )
    base = alt.Chart(frame).encode(
        y=alt.Y("label:N", sort=None, title=None, axis=NAMES),
        x=alt.X(
            "signed:Q",
            title="problems",
            axis=alt.Axis(tickMinStep=1, labelExpr="format(abs(datum.value), ',d')"),
        ),
        tooltip=[*tips("cause", "what"), *counts("problems")],
    )
    colour = alt.Scale(domain=["gained", "lost"], range=["#5c9c78", "#b5645a"])
    bars = base.mark_bar(size=14).encode(color=alt.Color("what:N", scale=colour, legend=None))
    numbers = base.mark_text(dy=-14, color=ink).encode(text=alt.Text("problems:Q", format=",d"))
    return (bars + numbers).properties(height=90 + 40 * len(rows))


def curve(
    rows: pl.DataFrame, marks: list[int], step: int | None
) -> alt.LayerChart | alt.FacetChart:
    """A line by step for each name; a red rule at each of `marks`, a grey one at `step`.

    rows: name, step, value
    """
    several = rows["name"].n_unique() > 1
    base = alt.Chart(rows).encode(
        x=alt.X("step:Q", title=None, axis=COUNTS),
        y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False),
                axis=VALUES),
        color=alt.Color("name:N", legend=alt.Legend(title=None, orient="bottom", columns=2)
                        if several else None),
        tooltip=[*tips("name:N"), *counts("step:Q"), alt.Tooltip("value:Q", format=".4g")],
    )  # fmt: skip
    lines = base.mark_line(strokeWidth=1.5, point=rows.height < 40)
    rules = [
        alt.Chart(pl.DataFrame({"step": at}, schema={"step": pl.Int64}))
        .mark_rule(color=colour, strokeDash=dash, opacity=0.7)
        .encode(x=alt.X("step:Q"))
        for at, colour, dash in (
            (marks, "#b5645a", [4, 2]),
            ([] if step is None else [step], "#8a8f98", [1, 2]),
        )
        if at
    ]
    return alt.layer(lines, *rules).properties(height=180)


def curves(
    titled: Mapping[str, pl.DataFrame], marks: list[int], step: int | None, ink: str
) -> alt.ConcatChart:
    """A `curve` for each title, three in a row, as one chart: a page draws ten charts slowly.

    titled: title -> rows, as for `curve`
    """
    drawn = [
        curve(rows, marks, step).properties(
            title=alt.TitleParams(title, anchor="start", fontSize=12, fontWeight="normal",
                                  color=ink, frame="group", offset=8),
            width=PANEL[0], height=PANEL[1],
        )
        for title, rows in titled.items()
    ]  # fmt: skip
    return alt.concat(*drawn, columns=3, spacing=20).resolve_scale(color="independent")
