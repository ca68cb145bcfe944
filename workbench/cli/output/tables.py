"""Printed tables: stages, paired differences, counts."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from workbench.formatting import (
    FittedTable,
    about_train_problems,
    change,
    interval,
    p_value,
    stage_with_train_problems,
    train_problems_by_run,
    unknown_verdicts,
    visible,
)

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.text import Text

UNLIMITED = 10_000  # columns of a file or pipe, which wraps nothing
METRICS = ("format", "answer", "partial")
GROUPS = {
    "by_reason": "Quarantined, by reason",
    "by_defect": "Rows with a defect",
    "learned_from": "Learned from",
    "completion_tokens": "Tokens of the completions that SFT learns from, beside the later limits",
    "records_left_out": "Records left out, by the step that removed them",
    "left_out_by_reason": "Requests without an answer, by reason",
    "by_dialect": "Rows by dialect of reasoning tags",
    "patterns": "Rows by tags: 1 where thinking opens, closes, answer opens, closes",
}


def show(*tables: "Group | Text | str") -> None:
    """Print to standard output.

    Strings are printed as `visible`: what the store holds must not reach a terminal as commands.
    """
    console = _console()
    for table in tables:
        shown = visible(table) if isinstance(table, str) else table
        console.print(shown, markup=False, highlight=False)


def _console() -> "Console":
    from rich.console import Console  # not loaded for --help

    class Output(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich itself would end the process with exit code 1

    console = Output()
    return console if console.is_terminal else Output(width=UNLIMITED)


def table(title: str, columns: list[str], rows: list[list[str]], words: bool = False) -> "Group":
    """A table of text under a title; the first column is left-aligned, the others right-aligned.

    words: whether these are left-aligned too
    """
    from rich.console import Group
    from rich.text import Text

    # the title is its own line: rich would wrap it to the width of the columns
    return Group(Text(visible(title), style="bold"), FittedTable(columns, rows, words))


def stages(rows: list[dict[str, Any]]) -> "Group":
    """One row per stage: each metric with its 95 % interval; unknown counts as not correct."""
    return table(
        "Stages (95 % intervals; an unknown verdict counts as not correct)",
        ["stage", "n", "left out", *METRICS, "unknown", "run"],
        [
            [
                stage_with_train_problems(row),
                count(row["n"]),
                count(row["left_out"]),
                *(interval(row[name]) for name in METRICS),
                unknown_verdicts(row["answer"]),
                row["run"],
            ]
            for row in rows
        ],
    )


def comparisons(rows: list[dict[str, Any]]) -> "Group":
    """One row per metric between two stages, paired on the same problems."""
    return table(
        "Paired differences (95 % intervals, exact McNemar p)",
        ["from → to", "metric", "difference", "unknown", "p", "n"],
        [
            [
                f"{row['from']} → {row['to']}",
                row["metric"],
                change(row),
                unknown_verdicts(row),
                p_value(row["p"]),
                f"{row['n']:,}",
            ]
            for row in rows
        ],
    )


def run_result(value: dict[str, Any]) -> None:
    rows = value["stages"]
    tables = (*staged(rows), comparisons(value["comparisons"]))
    show(*tables, f"Store: {value['store']}")


def staged(rows: list[dict[str, Any]]) -> list["Group | str"]:
    """The tables of stages and of their samples, and whose values are no held-out scores."""
    note = about_train_problems(train_problems_by_run(rows))
    return [stages(rows), *samples(rows), *([note] if note else [])]


def samples(rows: list[dict[str, Any]]) -> list["Group"]:
    """A table for each number k of samples per problem, where it is more than one."""
    return [
        table(
            f"{k} samples per problem (95 % intervals): mean, any of k correct, majority correct",
            [
                "stage",
                f"avg@{k}",
                *(f"pass@{draws}" for draws in own[0]["pass_at"]),
                f"maj@{k}",
                "problems with unknown",
                "run",
            ],
            [
                [
                    row["stage"],
                    interval(row["avg_at_k"]),
                    *(interval(passed) for passed in row["pass_at"].values()),
                    interval(row["maj_at_k"]),
                    _undecided(row),
                    row["run"],
                ]
                for row in own
            ],
        )
        for k in sorted({row["samples"] for row in rows if "samples" in row})
        if (own := [row for row in rows if row.get("samples") == k])
    ]


def _undecided(row: dict[str, Any]) -> str:
    """`3 (pass@4 52.0 % if correct)`."""
    if not row["undecided"]:
        return "0"
    best = row["pass_at_k"]["if_correct"]
    return f"{row['undecided']:,} (pass@{row['samples']} {best:.1%} if correct)"


def evaluated(value: dict[str, Any]) -> None:
    show(*staged(value["stages"]))


def counts(title: str, *notes: str) -> Callable[[Mapping[str, Any]], None]:
    """Prints an object's plain values, each of its non-empty groups of counts, then `notes`."""

    def shown(value: Mapping[str, Any]) -> None:
        plain = [[name, count(item)] for name, item in value.items() if not isinstance(item, dict)]
        groups = {name: item for name, item in value.items() if isinstance(item, dict) and item}
        show(
            table(title, ["what", "value"], plain),
            *(
                table(
                    GROUPS.get(name, name),
                    ["what", "count"],
                    [[key, count(item)] for key, item in group.items()],
                )
                for name, group in groups.items()
            ),
            *notes,
        )

    return shown


def graded(value: dict[str, Any]) -> None:
    """One run under one grader, then each of its stages."""
    first = {"run": value["run"], "grader": value["grader"], "generations": value["n"]}
    shown = (*first, "n", *METRICS, "stages", "unknown")
    rows = [[name, count(item)] for name, item in first.items()]
    rows += [[name, interval(value[name])] for name in METRICS]
    rows += [["unknown, counted as not correct", unknown_verdicts(value["answer"])]]
    rows += [[name, count(item)] for name, item in value.items() if name not in shown]
    title = f"{value['run']} by {value['grader']} (95 % intervals)"
    show(table(title, ["what", "value"], rows), *staged(value["stages"]))


def graded_runs(value: dict[str, Any]) -> None:
    """All runs under one grader."""
    for run in value["runs"]:
        graded(run)


def count(value: Any) -> str:
    """An integer with separators, None as a dash, a list by lines, anything else as text."""
    if value is None:
        return "-"
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def answer(value: dict[str, Any]) -> None:
    """The rows of a query."""
    rows = [["null" if cell is None else str(cell) for cell in row] for row in value["rows"]]
    more = " There are more: allow them with --limit." if value["truncated"] else ""
    show(table("", value["columns"], rows), f"{len(rows):,} rows.{more}")


def names_and_columns(value: dict[str, Any]) -> None:
    """What a query may name."""
    rows = [
        [each["name"], ", ".join(f"{c} {kind}" for c, kind in each["columns"].items()) or "view"]
        for each in value["tables"]
    ]
    show(table("Tables and views", ["name", "columns"], rows, words=True))
