"""What the commands print that compare runs: two runs, stages, the arms of a trial."""

from typing import TYPE_CHECKING, Any

from workbench.cli.output.tables import count, show, table
from workbench.formatting import (
    about_different_problems,
    about_train_problems,
    change,
    comparison_sentence,
    interval,
    p_value,
    points,
    trial_verdict,
    unknown_verdicts,
    visible,
)

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
    """Two runs on their common problems, by slices where chosen, and why accuracy changed."""
    show(
        comparison_sentence(value),
        metrics(value),
        *([slices(value["slices"])] if value["slices"] else []),
        *([causes(value["decomposition"], value["grader"])] if value["decomposition"] else []),
        *_notes(value),
    )


def _notes(value: dict[str, Any]) -> list[str]:
    notes = (
        about_different_problems(value["different"]),
        about_train_problems(value["train_problem_counts"]),
    )
    return [note for note in notes if note]


def metrics(value: dict[str, Any]) -> "Group":
    """One row per metric, with the smallest difference that a comparison of this size detects."""
    return table(
        f"{value['a']} → {value['b']} by {value['grader']}: {value['n']:,} problems in both,"
        f" {value['only_a']:,} only in the first, {value['only_b']:,} only in the second",
        [
            "metric",
            "a",
            "b",
            "difference",
            "p",
            "p (Holm)",
            "detectable (80 %)",
            "fixed",
            "broken",
            "unknown",
        ],
        [
            [
                name,
                interval(row["a"]),
                interval(row["b"]),
                change(row),
                p_value(row["p"]),
                p_value(row["holm"]),
                points(row["smallest"]),
                count(row["fixed"]),
                count(row["broken"]),
                unknown_verdicts(row),
            ]
            for name, row in value["metrics"].items()
        ],
    )


def slices(rows: list[dict[str, Any]]) -> "Group":
    """One row per slice; p is adjusted over all that is shown."""
    return table(
        "Answers by slice of problems (p adjusted by Holm over all metrics and slices)",
        ["slice", "problems", "a", "b", "difference", "unknown", "p (Holm)", ""],
        [
            [
                f"{row['slice']}: {row['value']}",
                f"{row['n']:,}",
                interval(row["a"]),
                interval(row["b"]),
                change(row),
                unknown_verdicts(row),
                p_value(row["holm"]),
                SMALL if row["small"] else "",
            ]
            for row in rows
        ],
    )


def causes(value: dict[str, Any], grader: str) -> "Group":
    """What changed where the verdict of `grader` changed: gains, then losses."""
    rows = [
        [f"{side}: {cause}", f"{problems:,}"]
        for side in ("gains", "losses")
        for cause, problems in value[side].items()
    ]
    difference = change({**value, "low": None})
    title = f"Why accuracy by {grader} changed: {difference} of {value['n']:,} problems"
    return table(title, ["cause", "problems"], rows)


def transitions(value: dict[str, Any]) -> None:
    """Steps from stage to stage, then every path with its number of problems."""
    right = ""
    if value["samples"] > 1:
        right = f"; correct: most of up to {value['samples']} samples are"
    show(
        table(
            f"{value['n']:,} problems in all stages by {value['grader']},"
            f" {value['left_out']:,} only in some{right}",
            ["step", "fixed", "broken", "still correct", "still incorrect", "of them unknown"],
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
        *_notes(value),
    )


def trial(value: dict[str, Any]) -> None:
    """Both arms of an A/B trial by seed, and the verdict."""
    control = value["against"][0]
    rows = [
        [name, f"{value[arm]:.1%}", "  ".join(f"{one:.1%}" for one in value["by_seed"][number])]
        for number, (name, arm) in enumerate(((control, "a"), (value["subset"], "b")))
    ]
    title = f"{value['metric']} after {value['stage']}, {value['n']:,} problems"
    show(table(title, ["trained on", "mean", "by seed"], rows))
    show(f"{visible(trial_verdict(value))}\nRun: {value['run']}")
