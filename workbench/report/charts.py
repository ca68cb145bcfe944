"""Charts of the report as inline SVG: no script, colours from the page's style sheet."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

Point = tuple[float, float]
POINTS = 240  # of a curve at most: more are averaged, step by step
WIDTH, HEIGHT = 320, 170
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 10, 24


def curves(lines: Mapping[str, Sequence[Point]], label: str, marks: Sequence[int] = ()) -> Markup:
    """Lines over steps. marks: steps with a vertical rule, as where a guard warned first"""
    points = [point for line in lines.values() for point in line if math.isfinite(point[1])]
    if not points:
        return Markup("")
    low_x, high_x = min(x for x, _ in points), max(x for x, _ in points)
    ticks = nice_ticks(min(y for _, y in points), max(y for _, y in points))
    low, high = ticks[0], ticks[-1]

    def at_x(x: float) -> float:
        return LEFT + (x - low_x) / ((high_x - low_x) or 1) * (WIDTH - LEFT - RIGHT)

    def at_y(y: float) -> float:
        return HEIGHT - BOTTOM - (y - low) / ((high - low) or 1) * (HEIGHT - TOP - BOTTOM)

    parts = [_rule(at_y(tick), number(tick)) for tick in ticks]
    parts += [
        f'<line class="mark" x1="{at_x(step):.1f}" x2="{at_x(step):.1f}" y1="{TOP}"'
        f' y2="{HEIGHT - BOTTOM}"/>'
        for step in marks
    ]
    for index, line in enumerate(lines.values()):
        thinned = averaged([point for point in line if math.isfinite(point[1])])
        path = " ".join(f"{at_x(x):.1f},{at_y(y):.1f}" for x, y in thinned)
        parts.append(f'<polyline class="line c{index % 6}" points="{path}"/>')
        if len(thinned) <= 12:
            parts += [
                f'<circle class="dot c{index % 6}" cx="{at_x(x):.1f}" cy="{at_y(y):.1f}" r="2.5"/>'
                for x, y in thinned
            ]
    y = HEIGHT - 6
    parts.append(f'<text x="{LEFT}" y="{y}">{number(low_x)}</text>')
    parts.append(f'<text class="end" x="{WIDTH - RIGHT}" y="{y}">step {number(high_x)}</text>')
    return svg(WIDTH, HEIGHT, label, parts)


def _rule(y: float, text: str) -> str:
    return (
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="end" x="{LEFT - 6}" y="{y + 3.5:.1f}">{text}</text>'
    )


def averaged(points: Sequence[Point]) -> list[Point]:
    """At most POINTS points: means of neighbours."""
    size = -(-len(points) // POINTS)
    groups = [points[start : start + size] for start in range(0, len(points), size or 1)]
    return [
        (sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group))
        for group in groups
    ]


def nice_ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers that enclose both values."""
    if high - low < 1e-12:
        pad = abs(high) * 0.1 or 1.0
        low, high = low - pad, high + pad
    exponent = 10.0 ** math.floor(math.log10((high - low) / 3))
    step = next(e * exponent for e in (1, 2, 2.5, 5, 10) if (high - low) / (e * exponent) <= 4)
    first = math.floor(low / step + 1e-9)
    count = math.ceil(high / step - 1e-9) - first
    return [(first + index) * step for index in range(count + 1)]


def number(value: float) -> str:
    """Short: 0.25, 1,200, 3e-05."""
    if value and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.0e}"
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def intervals(rows: Sequence[tuple[str, Mapping[str, Any]]], label: str) -> Markup:
    """A dot with its interval for each row, on an axis from 0 to 100 %. rows: name, interval"""
    left, width, height = 84, WIDTH, 24 * len(rows) + 30

    def at(share: float) -> float:
        return left + share * (width - left - 18)

    parts = []
    for tick in (0, 0.5, 1):
        parts.append(
            f'<line class="grid" x1="{at(tick):.1f}" x2="{at(tick):.1f}" y1="4"'
            f' y2="{height - 22}"/><text class="middle" x="{at(tick):.1f}" y="{height - 6}">'
            f"{tick:.0%}</text>"
        )
    for index, (name, value) in enumerate(rows):
        y = 17 + 24 * index
        parts.append(f'<text class="end name" x="{left - 10}" y="{y + 4}">{escape(name)}</text>')
        if value.get("value") is None:
            parts.append(f'<text x="{at(0) + 6}" y="{y + 4}">unknown</text>')
            continue
        low, middle, high = (at(value[key]) for key in ("low", "value", "high"))
        parts.append(
            f'<line class="whisker c{index % 6}" x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}"/>'
            f'<circle class="dot c{index % 6}" cx="{middle:.1f}" cy="{y}" r="4"/>'
        )
    return svg(width, height, label, parts)


def flow(stages: Sequence[str], paths: Sequence[Mapping[str, Any]], label: str) -> Markup:
    """An alluvial chart: a column a stage, its outcomes stacked, a ribbon for each path.

    paths: `path`, the outcome at each stage, and `count`
    """
    total = sum(row["count"] for row in paths)
    if not total:
        return Markup("")
    width, height, bar, top = 640, 240, 14, 24
    space = height - top - 26
    xs = [20 + index * (width - 40 - bar) / (len(stages) - 1) for index in range(len(stages))]
    order = ("right", "unknown", "wrong")
    starts = [_stacked(paths, index, order, top, space / total) for index in range(len(stages))]
    parts, filled = [], [dict(start) for start in starts]
    ordered = sorted(paths, key=lambda row: [order.index(o) for o in row["path"]])
    for row in ordered:
        thickness = row["count"] * space / total
        for index in range(len(stages) - 1):
            a, b = row["path"][index], row["path"][index + 1]
            y0, y1 = filled[index][a], filled[index + 1][b]
            x0, x1 = xs[index] + bar, xs[index + 1]
            middle = (x0 + x1) / 2
            parts.append(
                f'<path class="ribbon {b}" d="M{x0:.1f},{y0:.1f} C{middle:.1f},{y0:.1f}'
                f" {middle:.1f},{y1:.1f} {x1:.1f},{y1:.1f} L{x1:.1f},{y1 + thickness:.1f}"
                f" C{middle:.1f},{y1 + thickness:.1f} {middle:.1f},{y0 + thickness:.1f}"
                f' {x0:.1f},{y0 + thickness:.1f} Z"><title>{escape(" → ".join(row["path"]))}:'
                f" {row['count']:,}</title></path>"
            )
        for index, outcome in enumerate(row["path"]):
            filled[index][outcome] += thickness
    for index, stage in enumerate(stages):
        parts += _column(xs[index], bar, stage, index, len(stages), starts[index], filled[index])
    return svg(width, height, label, parts)


def _stacked(
    paths: Sequence[Mapping[str, Any]], index: int, order: Sequence[str], top: float, scale: float
) -> dict[str, float]:
    """Outcome -> where its block begins at one stage."""
    start, starts = top, {}
    for outcome in order:
        count = sum(row["count"] for row in paths if row["path"][index] == outcome)
        starts[outcome] = start
        start += count * scale + (6 if count else 0)
    return starts


def _column(
    x: float, bar: float, stage: str, index: int, of: int,
    starts: Mapping[str, float], ends: Mapping[str, float],
) -> list[str]:  # fmt: skip
    anchor = "" if index == 0 else "end" if index == of - 1 else "middle"
    at = x if index == 0 else x + bar if index == of - 1 else x + bar / 2
    parts = [f'<text class="{anchor} name" x="{at:.1f}" y="14">{escape(stage)}</text>']
    for outcome, start in starts.items():
        if ends[outcome] - start > 0.05:
            parts.append(
                f'<rect class="block {outcome}" x="{x:.1f}" y="{start:.1f}" width="{bar}"'
                f' height="{ends[outcome] - start:.1f}"/>'
            )
    return parts


def svg(width: float, height: float, label: str, parts: Sequence[str]) -> Markup:
    inside = "".join(parts)
    return Markup(
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(label)}">'
        f"<title>{escape(label)}</title>{inside}</svg>"
    )
