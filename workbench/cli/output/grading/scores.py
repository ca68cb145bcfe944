"""What `failures`, `search`, `clusters` and `verify` print."""

from typing import Any

from workbench.cli.output import count, show, table
from workbench.formatting import interval

VERDICTS = {True: "correct", False: "incorrect", None: "unknown"}
SHOWN = 160  # characters of an excerpt


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
    show(*tables, *_by_judges(value["stages"]))


def _by_judges(stages: list[dict[str, Any]]) -> list[Any]:
    """A table of what judges named, of the stages where one did."""
    return [
        table(
            f"{stage['stage']}: named by judges, of the generations that they judged",
            ["category", "share", "means"],
            [
                [name, interval(share), str(share["means"])]
                for name, share in stage["by_judges"].items()
            ],
            words=True,
        )
        for stage in stages
        if stage["by_judges"]
    ]


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


def nearest(value: dict[str, Any]) -> None:
    """A row for each generation, the most similar first."""
    rows = [
        [
            f"{row['similarity']:.3f}",
            row["generation_id"],
            f"{row['run']}/{row['stage']}",
            VERDICTS[row["correct"]],
            row["excerpt"][:SHOWN],
        ]
        for row in value["rows"]
    ]
    what = f"{value['words']!r}" if "words" in value else value["generation"]
    title = f"Nearest to {what} by {value['in']}, of {value['n']:,} generations"
    columns = ["similarity", "generation", "run", "verdict", value["in"]]
    show(table(title, columns, rows, words=True))


def clusters(value: dict[str, Any]) -> None:
    """A row for each cluster, the largest first."""
    both = value["against"] is not None
    rows = [
        [
            str(row["cluster"]),
            f"{row['n']:,}",
            *([f"{row['against_n']:,}", row["only_in"] or "-"] if both else []),
            ", ".join(f"{stage} {n:,}" for stage, n in row["stages"].items()),
            row["name"],
            row["medoid"]["generation_id"],
            row["medoid"]["excerpt"][:SHOWN],
        ]
        for row in value["clusters"]
    ]
    compared = [value["against"], "only in"] if both else []
    columns = ["", value["run"], *compared, "stages", "name", "medoid", "its text"]
    what = "incorrect generations" if value["grader"] else "generations"
    show(
        table(f"{value['n']:,} {what} by {value['in']} (exploratory)", columns, rows, words=True),
        "Groups are by topic and wording: read some of a group before you call it a mistake.",
    )


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
