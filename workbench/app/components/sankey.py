"""Transitions as a flow: how many problems went from which state to which, from stage to stage."""

from itertools import pairwise
from typing import Any

import altair as alt
import polars as pl

from evals.comparison import RIGHT, UNKNOWN, WRONG
from workbench.app.components.charts import tips

ORDER = (RIGHT, UNKNOWN, WRONG)  # from the top of a stage
KINDS = {  # (from, to) -> what it is called
    (WRONG, RIGHT): "fixed",
    (RIGHT, WRONG): "broken",
    (RIGHT, RIGHT): "kept right",
    (WRONG, WRONG): "kept wrong",
}
COLOURS = {
    "fixed": "#5c9c78",
    "broken": "#b5645a",
    "kept right": "#4a7fb5",
    "kept wrong": "#8a8f98",
    "unknown": "#c9a94e",
}
WIDTH = 0.06  # of a stage's bar, where the next stage is at 1
BENDS = 24  # points of a band's edge


def kind(before: str, after: str) -> str:
    """fixed, broken, kept right, kept wrong, or unknown where either is."""
    return KINDS.get((before, after), UNKNOWN)


def flow(transitions: dict[str, Any], ink: str) -> alt.LayerChart | alt.FacetChart:
    """Bars of the states at each stage, and bands between them; heights are numbers of problems.

    transitions: as evals.comparison.transitions.transitions gives them   ink: the colour of words
    """
    columns = list(zip(*(path["path"] for path in transitions["paths"]), strict=True))
    counts = [path["count"] for path in transitions["paths"]]
    bands = [
        row
        for place, (left, right) in enumerate(pairwise(columns))
        for row in _bands(place, list(zip(left, right, counts, strict=True)))
    ]
    bars = [
        row
        for place, states in enumerate(columns)
        for row in _bars(place, transitions["stages"][place], states, counts)
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


def _bands(place: int, moves: list[tuple[str, str, int]]) -> list[dict[str, Any]]:
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
                    "band": f"{place} {before} {after}",
                    "kind": kind(before, after),
                    "problems": n,
                    "x": place + WIDTH + (1 - WIDTH) * share,
                    "top": top,
                    "bottom": top + n,
                }
            )
    return rows


def _stacked(order: list[tuple[str, str]], sizes: dict[tuple[str, str], int]) -> dict:
    """Where each begins if they lie on each other in this order."""
    at, found = 0, {}
    for one in order:
        found[one] = at
        at += sizes[one]
    return found


def _bars(
    place: int, stage: str, states: tuple[str, ...], counts: list[int]
) -> list[dict[str, Any]]:
    rows, at = [], 0
    for state in ORDER:
        n = sum(count for one, count in zip(states, counts, strict=True) if one == state)
        if n:
            rows.append(
                {
                    "stage": stage,
                    "state": state,
                    "problems": n,
                    "label": f"{stage}\n{n:,} {state}" if not rows else f"{n:,} {state}",
                    "x": place,
                    "x2": place + WIDTH,
                    "top": at,
                    "bottom": at + n,
                    "middle": at + n / 2,
                }
            )
        at += n
    return rows
