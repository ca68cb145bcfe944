"""A Sankey chart of transitions: problems that go from correct to incorrect, stage by stage."""

from itertools import pairwise
from typing import Any

import altair as alt
import polars as pl

from evals.comparison import RIGHT, UNKNOWN, WRONG
from workbench.app.components.charts import tips

ORDER = (RIGHT, UNKNOWN, WRONG)  # top to bottom
KINDS = {  # (state before, state after) -> name of the band
    (WRONG, RIGHT): "fixed",
    (RIGHT, WRONG): "regressed",
    (RIGHT, RIGHT): "still correct",
    (WRONG, WRONG): "still incorrect",
}
COLOURS = {
    "fixed": "#5c9c78",
    "regressed": "#b5645a",
    "still correct": "#4a7fb5",
    "still incorrect": "#8a8f98",
    "unknown": "#c9a94e",
}
STATES = {RIGHT: "correct", WRONG: "incorrect"}  # how a chart names them
WIDTH = 0.06  # of the bar of a stage; the distance between two stages is 1
BENDS = 24  # points of the edge of a band


def kind(before: str, after: str) -> str:
    """fixed, regressed, still correct, still incorrect; unknown where either state is."""
    return KINDS.get((before, after), UNKNOWN)


def flow(transitions: dict[str, Any], ink: str) -> alt.LayerChart | alt.FacetChart:
    """Bars of the states at each stage, and bands between them; heights are numbers of problems.

    transitions: as evals.comparison.transitions.transitions gives them   ink: the colour of text
    """
    columns = list(zip(*(path["path"] for path in transitions["paths"]), strict=True))
    counts = [path["count"] for path in transitions["paths"]]
    bands = [
        row
        for position, (left, right) in enumerate(pairwise(columns))
        for row in _bands(position, list(zip(left, right, counts, strict=True)))
    ]
    bars = [
        row
        for position, states in enumerate(columns)
        for row in _bars(position, transitions["stages"][position], states, counts)
    ]
    across = alt.Scale(domain=[-0.1, len(columns) - 0.5], nice=False)
    up = alt.Scale(domain=[0, transitions["n"]], nice=False, reverse=True)
    area = (
        alt.Chart(pl.DataFrame(bands))
        .mark_area(opacity=0.45, line=False)
        .encode(
            x=alt.X("x:Q", scale=across, axis=None),
            y=alt.Y("top:Q", scale=up, axis=None),
            y2=alt.Y2("bottom:Q"),
            detail=alt.Detail("band:N"),
            color=alt.Color(
                "kind:N",
                scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values())),
                legend=alt.Legend(title=None, orient="bottom"),
            ),
            tooltip=tips("kind:N", "problems:Q"),
        )
    )
    nodes = alt.Chart(pl.DataFrame(bars))
    rects = nodes.mark_rect(color="#8a8f98").encode(
        x=alt.X("x:Q", scale=across),
        x2=alt.X2("x2:Q"),
        y=alt.Y("top:Q", scale=up),
        y2=alt.Y2("bottom:Q"),
        tooltip=tips("stage:N", "state:N", "problems:Q"),
    )
    words = nodes.mark_text(align="left", dx=4, baseline="middle", lineBreak="\n", color=ink)
    names = words.encode(x=alt.X("x2:Q"), y=alt.Y("middle:Q", scale=up), text=alt.Text("label:N"))
    return (area + rects + names).properties(height=300)


def _bands(position: int, moves: list[tuple[str, str, int]]) -> list[dict[str, Any]]:
    """Points of the edges of one band for each pair of states between two neighbouring stages."""
    sizes: dict[tuple[str, str], int] = {}
    for before, after, n in moves:
        sizes[before, after] = sizes.get((before, after), 0) + n
    leaves = _stacked(sorted(sizes, key=lambda b: (ORDER.index(b[0]), ORDER.index(b[1]))), sizes)
    enters = _stacked(sorted(sizes, key=lambda b: (ORDER.index(b[1]), ORDER.index(b[0]))), sizes)
    rows = []
    for (before, after), n in sizes.items():
        start, end = leaves[before, after], enters[before, after]
        for point in range(BENDS + 1):
            share = point / BENDS
            bend = share * share * (3 - 2 * share)
            top = start + (end - start) * bend
            rows.append(
                {
                    "band": f"{position} {before} {after}",
                    "kind": kind(before, after),
                    "problems": n,
                    "x": position + WIDTH + (1 - WIDTH) * share,
                    "top": top,
                    "bottom": top + n,
                }
            )
    return rows


def _stacked(order: list[tuple[str, str]], sizes: dict[tuple[str, str], int]) -> dict:
    """Band -> where it begins if the bands are stacked in this order."""
    at, starts = 0, {}
    for band in order:
        starts[band] = at
        at += sizes[band]
    return starts


def _bars(
    position: int, stage: str, states: tuple[str, ...], counts: list[int]
) -> list[dict[str, Any]]:
    rows, at = [], 0
    for state in ORDER:
        n = sum(count for one, count in zip(states, counts, strict=True) if one == state)
        if n:
            rows.append(
                {
                    "stage": stage,
                    "state": STATES.get(state, state),
                    "problems": n,
                    "label": f"{stage}\n{n:,} {STATES.get(state, state)}"
                    if not rows
                    else f"{n:,} {STATES.get(state, state)}",
                    "x": position,
                    "x2": position + WIDTH,
                    "top": at,
                    "bottom": at + n,
                    "middle": at + n / 2,
                }
            )
        at += n
    return rows
