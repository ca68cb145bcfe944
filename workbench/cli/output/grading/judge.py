"""What is printed of judges: rubrics, what asking took, and how good they are."""

from typing import Any

from workbench.cli.output import count, graded as graded_run, show, table
from workbench.formatting import interval, judge_note, kappa_text

ASKING = ("asked", "from_store", "prompt_tokens", "completion_tokens", "cost")


def graded(value: dict[str, Any]) -> None:
    """The run under its judge, then what asking took and what has no verdict yet."""
    asking = {name: value[name] for name in ASKING}
    own = (*ASKING, "failed", "to_ask_again", "without_verdict", "unknown_by_reason")
    graded_run({name: item for name, item in value.items() if name not in own})
    show(table("Requests", ["what", "value"], [[name, count(n)] for name, n in asking.items()]))
    for title, name in (
        ("Unknown verdicts, by reason", "unknown_by_reason"),
        ("Requests that failed, by reason", "failed"),
    ):
        if value[name]:
            show(table(title, ["reason", "n"], [[k, count(n)] for k, n in value[name].items()]))
    if value["without_verdict"]:
        show(
            f"{value['without_verdict']:,} generations have no verdict yet. The same command asks"
            " about them."
        )


def added(value: dict[str, Any]) -> None:
    new = "a new version" if value["new_version"] else "the version that the store had"
    show(f"{value['grader']} is {value['version']}, {new}.")


def listed(value: dict[str, Any]) -> None:
    rows = [
        [row["grader"], row["version"], row["model"], str(row["scale"]), count(row["scores"]),
         str(row["author"])]
        for row in value["judges"]
    ]  # fmt: skip
    columns = ["grader", "version", "model", "scale", "verdicts", "added by"]
    show(table("Judges", columns, rows, words=True))


def shown(value: dict[str, Any]) -> None:
    rows = [
        [row["version"], str(row["at"]), row["author"], count(row["scores"])]
        for row in value["versions"]
    ]
    title = f"{value['grader']}, the newest version first"
    show(
        table(title, ["version", "added", "by", "verdicts"], rows, words=True),
        f"\n{value['rubric']}",
    )


def agreement(value: dict[str, Any]) -> None:
    """A row for all labels together, and one for each source of labels."""
    rows = [["all", value], *((row["source"], row) for row in value["by_source"])]
    columns = ["labels", "n", "problems", "unknown", "agreement", "kappa", "precision", "recall"]
    cells = [
        [
            str(name),
            *(count(row[field]) for field in ("n", "problems", "unknown")),
            interval(row["agreement"]),
            kappa_text(row["kappa"]),
            interval(row["precision"]),
            interval(row["recall"]),
        ]
        for name, row in rows
    ]
    show(table(f"{value['grader']} {value['version']} (95 % intervals)", columns, cells))
    show(judge_note(value))
    if value["split"]:
        show(f"Left out: {value['split']:,} generations about which people differ.")


def labelled(value: dict[str, Any]) -> None:
    show(f"{value['labelled']:,} of {value['n']:,} generations of the sample are labelled.")


def compared_pairs(value: dict[str, Any]) -> None:
    """How often each run won, and what asking took."""
    names = ("pairs", "wins_a", "wins_b", "ties", "unknown", "different", *ASKING, "to_ask_again")
    agree = value["orders_agree"]
    rows = [
        ["a", value["a"]],
        ["b", value["b"]],
        ["win rate of b", interval(value["win_rate"])],
        ["both orders say the same", "-" if agree is None else f"{agree:.1%}"],
        *([name, count(value[name])] for name in names),
    ]
    title = f"{value['b']} against {value['a']} by {value['grader']} (95 % interval)"
    show(table(title, ["what", "value"], rows))
