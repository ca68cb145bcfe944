"""What `thinkbench subset` prints: the steps of a choice, versions, and differences."""

from typing import Any

from workbench.cli.output.tables import show, table
from workbench.formatting import visible

SHOWN = 20  # ids that are printed
WIDEST = 60  # characters of a cell
# the stored name of a step -> its name in the table beside "removed" and "remaining"
STEPS = {
    "all there are": "all rows",
    "no example": "not convertible",
    "held back by a person": "excluded manually",
    "of a test split": "test or validation split",
    "outside the filter": "filter",
    "beyond the budget of tokens": "token budget",
    "not drawn": "sample",
}


def new_subset(value: dict[str, Any]) -> None:
    """How many rows were chosen, and how many each step removed."""
    rows = [
        [STEPS.get(step["name"], step["name"]), f"{step['taken']:,}", f"{step['left']:,}"]
        for step in value["steps"]
    ]
    title = value["subset"] or "Dry run, nothing is saved"
    show(table(f"{title}: {value['n']:,} rows", ["step", "removed", "remaining"], rows))
    if value["run"]:
        show(f"Pass rates are of the run {value['run']}.")
    if value["tokens"] is not None:
        show(f"{value['tokens']:,} tokens")
    if "advice" in value:
        show(value["advice"])
    if value["subset"] and value["of"] == "records":
        show(f"Train on it: thinkbench sft --subset {value['subset']}")
    elif value["subset"]:
        show(f"Train on it: thinkbench grpo --problem-subset {value['subset']}")


def list_of_subsets(value: dict[str, Any]) -> None:
    if not value["subsets"]:
        show("There are no subsets. Create one: thinkbench subset new NAME --where FILTER")
        return
    rows = [
        [one["subset"], f"{one['n']:,}", one["at"][:19], one["author"] or "", _cell(one["filter"])]
        for one in value["subsets"]
    ]
    columns = ["subset", "rows", "saved (UTC)", "by", "filter"]
    show(table("Subsets", columns, rows, words=True))


def one_subset(value: dict[str, Any]) -> None:
    rows = [[name, _cell(value[name])] for name in ("n", "filter", "parent", "author", "at")]
    show(table(value["subset"], ["what", "value"], rows, words=True))
    if value["rows"]:
        columns = list(value["rows"][0])
        cells = [[_cell(row[name]) for name in columns] for row in value["rows"]]
        show(table("First rows", columns, cells, words=True))


def difference(value: dict[str, Any]) -> None:
    first, second = value["only_first"], value["only_second"]
    rows = [
        ["in both", f"{value['both']:,}"],
        [f"only in {value['first']}", f"{len(first):,}"],
        [f"only in {value['second']}", f"{len(second):,}"],
    ]
    show(table(f"{value['first']} and {value['second']}", ["rows", "count"], rows))
    _ids(value["first"], first)
    _ids(value["second"], second)


def check(value: dict[str, Any]) -> None:
    if value["same"]:
        show(f"{value['subset']}: its recipe still chooses the same {value['n']:,} rows.")
        return
    show(
        f"{value['subset']}: its recipe would now choose {len(value['new']):,} other rows,"
        f" and no longer {len(value['gone']):,} of its {value['n']:,} rows."
    )
    for source, names in value["converters"].items():
        show(
            f"{source}: the version is of the conversion by {names['version']}; the newest is by"
            f" {names['newest']}."
        )
    _ids("chosen now", value["new"])
    _ids("no longer chosen", value["gone"])


def export(value: dict[str, Any]) -> None:
    show(f"{value['rows']:,} of {value['n']:,} rows of {value['subset']}: {value['path']}")
    for reason, n in value["left_out"].items():
        show(f"left out: {n:,} {reason}")


def fields(value: dict[str, Any]) -> None:
    rows = [[one["field"], one["holds"], one["means"]] for one in value["fields"]]
    show(table(f"Fields of {value['of']}", ["field", "type", "meaning"], rows, words=True))
    show("Example: --where '0 < pass_rate < 1 and not question contains \"percent\"'")


def _ids(title: str, ids: list[str]) -> None:
    if ids:
        more = f" and {len(ids) - SHOWN:,} more" if len(ids) > SHOWN else ""
        show(f"{title}: {', '.join(ids[:SHOWN])}{more}")


def _cell(value: Any) -> str:
    if value is None:
        return "unknown"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    one_line = visible(" ".join(text.split()))
    return one_line if len(one_line) <= WIDEST else f"{one_line[: WIDEST - 1]}…"
