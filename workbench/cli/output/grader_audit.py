"""The answer of `thinkbench audit graders`, for programs and for people."""

from pathlib import Path
from typing import Any

from workbench.cli import Answer
from workbench.cli.output.tables import show, table
from workbench.formatting import interval


def graders(folder: Path, run: str | None) -> Answer:
    """Where graders disagree, what they cannot see, and which golds are to doubt."""
    from evals.audit import audit
    from workbench.cli import bars
    from workbench.lookup import existing_store

    with bars() as bar:
        return audit(existing_store(folder), run, bar("audit graders")), shown


def shown(value: dict[str, Any]) -> None:
    """Four tables: disagreements, probes that fail, golds that cannot be met, suspect golds."""
    apart = [
        [
            " / ".join(pair["graders"]),
            f"{cell['first']} / {cell['second']}",
            f"{cell['n']:,}",
            _example(cell["examples"], pair["graders"]),
        ]
        for pair in value["disagreements"]
        for cell in pair["apart"]
    ]
    agree = [
        [" / ".join(pair["graders"]), interval(pair["agree"])] for pair in value["disagreements"]
    ]
    if value["generations"]:
        title = f"Graders over {value['generations']:,} generations (95 % intervals)"
        show(table(title, ["graders", "same verdict"], agree))
        columns = ["graders", "verdicts", "generations", "for example"]
        show(table("Where they disagree", columns, apart, words=True))
    show(_probes(value["probes"]))
    bad = [[row["grader"], f"{row['n']:,} of {row['of']:,}", _golds(row)] for row in
           value["unsatisfiable"]]  # fmt: skip
    show(table("Golds that no answer satisfies", ["grader", "golds", "such as"], bad, words=True))
    suspect = [
        [row["problem_id"][:12], row["gold"], row["said"], f"{row['samples']:,}"]
        for row in value["suspect"]["golds"]
    ]
    title = (
        f"Suspect golds: {value['suspect']['n']:,} of {value['suspect']['of']:,} problems with"
        " four samples or more, whose samples all agree on another answer"
    )
    show(table(title, ["problem", "gold", "all say", "samples"], suspect, words=True))


def _probes(rows: list[dict[str, Any]]) -> Any:
    failing = [
        [
            row["probe"],
            "right" if row["right"] else "wrong",
            row["grader"],
            interval(row["false_fail"] or row["false_pass"]),
            f"{row['unknown']:,} of {row['n']:,}",
        ]
        for row in rows
        if (row["false_fail"] or row["false_pass"])["value"] or row["unknown"]
    ]
    columns = ["the gold, written as", "is", "grader", "judged otherwise", "unknown"]
    return table("Probes that a grader gets wrong or leaves open", columns, failing, words=True)


def _example(examples: list[dict[str, Any]], names: list[str]) -> str:
    if not examples:
        return ""
    one = examples[0]
    said = " / ".join(str(one[name])[:24] for name in names)
    return f"{said}, gold {one['gold'][:24]}"


def _golds(row: dict[str, Any]) -> str:
    return ", ".join(gold["gold"][:20] for gold in row["golds"][:5])
