"""What `failures` and `verify` print."""

from typing import Any

from workbench.cli.output import count, show, table
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
    """A row for each generation: its id, the reference answer, and the evidence."""
    rows = [
        [row["generation_id"], row["stage"], str(row["gold"]), _evidence(row["evidence"])]
        for row in value["rows"]
    ]
    title = f"{value['category']}: {value['means']} ({value['n']:,} in {value['run']})"
    show(table(title, ["generation", "stage", "reference answer", "evidence"], rows, words=True))


def _evidence(spans: list[dict[str, Any]]) -> str:
    texts = (" ".join(one["text"].split())[:60] for one in spans[:3])
    return " · ".join(text or "(the whole text)" for text in texts)


def verified(value: dict[str, Any]) -> None:
    """The counts, why a run is not verified, what differs, and the metrics that differ."""
    plain = [
        [name, count(item)] for name, item in value.items() if not isinstance(item, list | dict)
    ]
    differences = [
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
    title = "Verified" if value["verified"] else "Not verified"
    show(table(f"{title} from the stored texts", ["what", "value"], plain))
    for reason in value["reasons"]:
        show(f"Not verified: {reason}")
    if differences:
        columns = ["what", "generation", "stored", "computed"]
        show(table("What differs", columns, differences, words=True))
    if shares:
        columns = ["run", "stage", "grader", "metric", "shown", "computed"]
        show(table("Metrics that differ", columns, shares, words=True))
