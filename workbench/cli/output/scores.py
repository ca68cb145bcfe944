"""What the command line prints of scores: failures by category, evidence, and what differs."""

from typing import Any

from workbench.cli.output.tables import count, show, table
from workbench.formatting import interval


def failures(value: dict[str, Any]) -> None:
    """A table for each stage: category, its share with interval, and what it means."""
    from evals.failures import CATEGORIES

    tables = [
        table(
            f"{value['run']}, {stage['stage']}: {stage['n']:,} generations (95 % intervals)",
            ["category", "share", "means"],
            [
                [name, interval(share), CATEGORIES[name]]
                for name, share in stage["categories"].items()
            ],
            words=True,
        )
        for stage in value["stages"]
    ]
    show(*tables)


def with_category(value: dict[str, Any]) -> None:
    """A row for each generation: its id, the gold, and the evidence."""
    rows = [
        [row["generation_id"], row["stage"], str(row["gold"]), _evidence(row["evidence"])]
        for row in value["rows"]
    ]
    title = f"{value['category']}: {value['means']} ({value['n']:,} in {value['run']})"
    show(table(title, ["generation", "stage", "gold", "evidence"], rows, words=True))


def _evidence(found: list[dict[str, Any]]) -> str:
    said = (" ".join(one["text"].split())[:60] for one in found[:3])
    return " · ".join(text or "(all of it)" for text in said)


def verified(value: dict[str, Any]) -> None:
    """The counts, then what differs, then the metrics that differ."""
    plain = [
        [name, count(item)] for name, item in value.items() if not isinstance(item, list | dict)
    ]
    apart = [
        [row["what"], row["generation_id"], str(row["stored"]), str(row["again"])]
        for run in value["runs"]
        for row in run["differences"]
    ]
    shares = [
        [
            run["run"],
            row["stage"],
            row["grader"],
            row["metric"],
            interval(row["shown"]),
            interval(row["again"]),
        ]
        for run in value["runs"]
        for row in run["metrics"]
        if not row["same"]
    ]
    show(table("Verified from the stored texts", ["what", "value"], plain))
    if apart:
        columns = ["what", "generation", "stored", "again"]
        show(table("What differs", columns, apart, words=True))
    if shares:
        columns = ["run", "stage", "grader", "metric", "shown", "again"]
        show(table("Metrics that differ", columns, shares, words=True))
