"""What `thinkbench audit graders` prints."""

from typing import Any

from workbench.cli.output import show, table
from workbench.formatting import interval


def show_audit(value: dict[str, Any]) -> None:
    """Disagreements, failed probes, reference answers that nothing matches, and suspect ones."""
    disagreements = [
        [
            " / ".join(pair["graders"]),
            f"{cell['first']} / {cell['second']}",
            f"{cell['n']:,}",
            _example(cell["examples"], pair["graders"]),
        ]
        for pair in value["disagreements"]
        for cell in pair["apart"]
    ]
    agreement = [
        [" / ".join(pair["graders"]), interval(pair["agree"])] for pair in value["disagreements"]
    ]
    if value["generations"]:
        title = f"Graders over {value['generations']:,} generations (95 % intervals)"
        show(table(title, ["graders", "same verdict"], agreement))
        columns = ["graders", "verdicts", "generations", "for example"]
        show(table("Where they disagree", columns, disagreements, words=True))
    show(_probes(value["probes"]))
    bad = [[row["grader"], f"{row['n']:,} of {row['of']:,}", _golds(row)] for row in
           value["unsatisfiable"]]  # fmt: skip
    show(
        table(
            "Reference answers that no answer matches",
            ["grader", "answers", "such as"],
            bad,
            words=True,
        )
    )
    suspect = [
        [row["problem_id"][:12], row["gold"], row["said"], f"{row['samples']:,}"]
        for row in value["suspect"]["golds"]
    ]
    title = (
        f"Suspect reference answers: {value['suspect']['n']:,} of {value['suspect']['of']:,}"
        " problems with four samples or more, whose samples all agree on another answer"
    )
    show(
        table(
            title,
            ["problem", "reference answer", "samples agree on", "samples"],
            suspect,
            words=True,
        )
    )


def _probes(rows: list[dict[str, Any]]) -> Any:
    failing = [
        [
            row["probe"],
            "correct" if row["right"] else "incorrect",
            row["grader"],
            interval(row["false_fail"] or row["false_pass"]),
            f"{row['unknown']:,} of {row['n']:,}",
        ]
        for row in rows
        if (row["false_fail"] or row["false_pass"])["value"] or row["unknown"]
    ]
    columns = ["the answer, written as", "is", "grader", "graded otherwise", "unknown"]
    return table("Probes that a grader gets wrong or cannot grade", columns, failing, words=True)


def _example(examples: list[dict[str, Any]], names: list[str]) -> str:
    if not examples:
        return ""
    one = examples[0]
    answers = " / ".join(str(one[name])[:24] for name in names)
    return f"{answers}, reference {one['gold'][:24]}"


def _golds(row: dict[str, Any]) -> str:
    return ", ".join(gold["gold"][:20] for gold in row["golds"][:5])
