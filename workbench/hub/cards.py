"""README cards of what is published: front matter that hubs read, then what the store knows."""

import json
import re
from collections.abc import Sequence
from typing import Any

from workbench.formatting import change, interval, p_value, visible

LONGEST = 300  # characters of a value in a card
# names as cards of sources have them -> identifiers of Hugging Face
LICENCES = {
    "apache-2.0": "apache-2.0",
    "mit": "mit",
    "cc-by-4.0": "cc-by-4.0",
    "cc0-1.0": "cc0-1.0",
}


def plain(value: object) -> str:
    """A text of the store within Markdown: one line, and no markup of it works."""
    text = " ".join(str(value).split())
    text = visible(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…")
    return re.sub(r"([\\`*_\[\]<>|#!~$&])", r"\\\1", text).replace("\\<", "&lt;")


def front_matter(values: dict[str, Any]) -> str:
    """YAML whose values are written as JSON, which YAML contains."""
    lines = [f"{name}: {json.dumps(value)}" for name, value in values.items() if value]
    return "\n".join(["---", *lines, "---", ""])


def licence_of(licences: Sequence[str]) -> str:
    """One licence for all, by Hugging Face's names; `other` where they differ or are not known."""
    names = {LICENCES.get(licence.lower(), "other") for licence in licences}
    return names.pop() if len(names) == 1 else "other"


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [columns, ["---"] * len(columns), *([plain(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def licences_table(rows: Sequence[dict[str, str]]) -> str:
    return table(
        ["what", "licence", "origin"], [[r["name"], r["licence"], r["origin"]] for r in rows]
    )


def results_tables(results: dict[str, Any], grader: str) -> str:
    """Metrics by stage and paired tests."""
    stages = table(
        ["stage", "n", *results["metrics"]],
        [
            [row["stage"], f"{row['n']:,}", *(interval(row[name]) for name in results["metrics"])]
            for row in results["stages"]
        ],
    )
    tests = table(
        ["from, to", "metric", "difference", "p (Holm)", "n"],
        [
            [f"{r['from']}, {r['to']}", r["metric"], change(r), p_value(r["holm"]), f"{r['n']:,}"]
            for r in results["tests"]
        ],
    )
    first = f"Graded {plain(grader)}; 95 % intervals; unknown verdicts count as not correct.\n\n"
    return first + stages + (f"\n\n{tests}" if results["tests"] else "")
