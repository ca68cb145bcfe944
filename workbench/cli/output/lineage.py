"""What `thinkbench lineage` prints: the steps back, and the failures nearby."""

from typing import Any

from data.lineage import readable
from workbench.cli.output.tables import show, table
from workbench.formatting import visible

WIDEST = 100  # characters of a value
LISTED = 10  # problems that are printed


def show_lineage(value: dict[str, Any]) -> None:
    """A table for each step back, then the nearest problems."""
    for step in value["steps"]:
        rows = [[name, _short(readable(fact))] for name, fact in step["facts"].items()]
        show(table(f"{step['kind']}: {visible(step['title'])}", ["what", "value"], rows, True))
    near = value["near"]
    if near is None:
        return
    show(visible(near["says"]))
    rows = [
        [
            one["problem_id"][:12],
            f"{one['similarity']:.2f}",
            f"{one['failed']:.0%}",
            _short(one["question"]),
        ]
        for one in near["problems"][:LISTED]
    ]
    if rows:
        columns = ["problem", "similarity", "failed", "question"]
        show(table(f"Nearest problems of {near['run']}", columns, rows, words=True))


def _short(text: str) -> str:
    line = visible(" ".join(text.split()))
    return line if len(line) <= WIDEST else f"{line[: WIDEST - 1]}…"
