"""What the command line prints of runs that are held against each other."""

from typing import TYPE_CHECKING, Any

from workbench.cli.output.tables import count, show, table
from workbench.formatting import chance, change, interval, points

if TYPE_CHECKING:
    from rich.console import Group

SMALL = "fewer than 30"
STEPS = (
    "fixed",
    "broken",
    "kept_right",
    "kept_wrong",
    "unknown",
)  # evals/comparison/transitions.py


def compared(value: dict[str, Any]) -> None:
    """Two runs on the problems that both answered, by slices where asked, and what changed."""
    show(
        metrics(value),
        *([slices(value["slices"])] if value["slices"] else []),
        *([causes(value["decomposition"])] if value["decomposition"] else []),
    )


def metrics(value: dict[str, Any]) -> "Group":
    """One row per metric, with the difference that a comparison of this size can find."""
    return table(
        f"{value['a']} → {value['b']} by {value['grader']}: {value['n']:,} problems in both,"
        f" {value['only_a']:,} only in the first, {value['only_b']:,} only in the second",
        ["metric", "a", "b", "difference", "p", "p (Holm)", "found at 80 %", "fixed", "broken"],
        [
            [
                name,
                interval(row["a"]),
                interval(row["b"]),
                change(row),
                chance(row["p"]),
                chance(row["holm"]),
                points(row["smallest"]),
                count(row["fixed"]),
                count(row["broken"]),
            ]
            for name, row in value["metrics"].items()
        ],
    )


def slices(rows: list[dict[str, Any]]) -> "Group":
    """One row per slice; p is corrected over all that is shown."""
    return table(
        "Answers by kind of problem (p by Holm over all metrics and slices)",
        ["slice", "n", "a", "b", "difference", "p (Holm)", ""],
        [
            [
                f"{row['slice']}: {row['value']}",
                f"{row['n']:,}",
                interval(row["a"]),
                interval(row["b"]),
                change(row),
                chance(row["holm"]),
                SMALL if row["small"] else "",
            ]
            for row in rows
        ],
    )


def causes(value: dict[str, Any]) -> "Group":
    """What changed where the verdict of `strict` did: gains, then losses."""
    rows = [
        [f"{side}: {cause}", f"{problems:,}"]
        for side in ("gains", "losses")
        for cause, problems in value[side].items()
    ]
    title = f"What changed by strict: {change({**value, 'low': None})} of {value['n']:,} problems"
    return table(title, ["cause", "problems"], rows)


def transitions(value: dict[str, Any]) -> None:
    """Steps from stage to stage, then every path with its number of problems."""
    right = ""
    if value["samples"] > 1:
        right = f"; right: most of up to {value['samples']} samples are"
    show(
        table(
            f"{value['n']:,} problems in all stages by {value['grader']},"
            f" {value['left_out']:,} only in some{right}",
            ["step", "fixed", "broken", "kept right", "kept wrong", "unknown"],
            [
                [f"{step['from']} → {step['to']}", *(f"{step[name]:,}" for name in STEPS)]
                for step in value["steps"]
            ],
        ),
        table(
            " → ".join(value["stages"]),
            ["path", "problems"],
            [[" → ".join(row["path"]), f"{row['count']:,}"] for row in value["paths"]],
        ),
    )
