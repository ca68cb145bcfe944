"""What `thinkbench overlap` prints: problems that were trained on, and scores without them."""

from typing import Any

from workbench.cli.output import tables
from workbench.formatting import change, interval

KINDS = {
    "exact": "exact: the same words",
    "ngram": "ngram: 13 consecutive words in common",
    "masked": "masked: the same or nearly the same, except for numbers",
    "any": "any of these",
}
GROUPS = ("all", "clean", "overlapping")


def show_overlap(value: dict[str, Any]) -> None:
    tables.show(
        tables.table(
            f"{value['problems']:,} {value['split']} problems, {value['trained_on']:,} texts"
            f" trained on ({', '.join(value['train'])}), 95 % intervals",
            ["problems that overlap", "count", "share"],
            [
                [meaning, f"{value[kind]['count']:,}", interval(value[kind])]
                for kind, meaning in KINDS.items()
            ],
        ),
        *_remarks(value),
        *([_scores(value)] if value["scores"] else []),
        f"Each hit: {value['hits']}",
    )


def _remarks(value: dict[str, Any]) -> list[str]:
    remarks = []
    if value["left_out"]:
        remarks.append(
            f"{value['left_out']:,} examples were excluded: their records are {value['split']}"
            " problems themselves. SFT on their source would train on them."
        )
    if value["unsure"]:
        remarks.append(
            f"A masked overlap of {value['unsure']:,} problems may be missed: the text that it"
            " would share is in more than 1,000 texts."
        )
    if not value["scores"]:
        remarks.append(
            f"No evaluation or import has scores by {value['grader']}; to grade them:"
            " thinkbench grade"
        )
    return remarks


def _scores(value: dict[str, Any]) -> Any:
    rows = [(one["run"], one["stage"], one["answer"]) for one in value["scores"]]
    return tables.table(
        f"Correct answers by {value['grader']} (95 % intervals; * fewer than 30 problems)",
        ["run", "stage", "all problems", "clean", "overlapping", "overlapping - clean"],
        [
            [run, stage, *(_group(answer[name]) for name in GROUPS), change(answer["difference"])]
            for run, stage, answer in rows
        ],
    )


def _group(group: dict[str, Any]) -> str:
    return f"{interval(group)} n={group['n']:,}{'*' if group['small'] else ''}"
