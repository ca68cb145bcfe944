"""What `thinkbench audit` prints: counts, defects, two conversions compared, tokens, rows."""

import json
from typing import Any

from data.audit import spans
from workbench.cli.output import tables
from workbench.formatting import interval, marks

SHOWN = 20  # changed rows that are printed; --json has all
LISTED = 50  # rows with a defect that are printed; --json has all
COUNTS = {
    "read": "rows read",
    "converted": "converted",
    "quarantined": "quarantined",
    "held_back": "excluded manually",
    "released": "restored manually",
    "other_split": "of other splits",
    "to_train_on": "training examples",
}


def overview(value: dict[str, Any]) -> None:
    """The newest conversion of each source, and the rows with each defect."""
    tables.show(
        tables.table(
            "Newest conversions",
            ["source", *COUNTS.values(), "converter"],
            [
                [one["source"], *(f"{one[name]:,}" for name in COUNTS), one["converter"]]
                for one in value["sources"]
            ],
        ),
        tables.table(
            "Rows with a defect, by source",
            ["defect", "severity", "source", "rows", "of its rows"],
            [
                [row["phrase"], row["severity"], row["source"], f"{row['rows']:,}",
                 f"{row['share']:.1%}"]
                for row in value["defects"]
            ],
        ),
    )  # fmt: skip


def summary(value: dict[str, Any]) -> None:
    """The counts of one conversion; its token counts and exported files where there are any."""
    plain = {
        name: item
        for name, item in value.items()
        if name not in ("tokens", "survival", "lost", "export")
    }
    tables.counts(f"Conversion of {value['source']}")(plain)
    if "tokens" in value:
        _show_tokens(value)
    if lost := value.get("lost"):
        _show_lost(lost)
    tables.show(*(f"Wrote {file}" for file in value.get("export", ())))


def _show_tokens(value: dict[str, Any]) -> None:
    tables.show(
        tables.table(
            "Tokens of an example",
            ["part", "median", "90 %", "99 %", "longest"],
            [
                [name, *(tables.count(row[at]) for at in ("p50", "p90", "p99", "longest"))]
                for name, row in value["tokens"].items()
            ],
        ),
        tables.table(
            "Examples within a token budget (95 % intervals)",
            ["budget", "share"],
            [[f"{point['budget']:,}", interval(point)] for point in value["survival"]],
        ),
    )


def _show_lost(rows: list[dict[str, Any]]) -> None:
    tables.show(
        tables.table(
            "Examples that exceed the budget, longest first",
            ["row", "record", "tokens", "reasoning", "answer"],
            [
                [f"{row['row_number']:,}", row["record_id"][:12],
                 *(f"{row[part]:,}" for part in ("answer_end", "reasoning", "answer"))]
                for row in rows[:SHOWN]
            ],
        ),
        *_more(len(rows) - SHOWN),
    )  # fmt: skip


def diff(value: dict[str, Any]) -> None:
    """The rows in which two conversions differ, by change."""
    rows = [
        [f"{row['row_number']:,}", row["origin"], row["change"],
         *(row[reason] or "-" for reason in ("first_reason", "second_reason"))]
        for row in value["rows"][:SHOWN]
    ]  # fmt: skip
    tables.show(
        tables.table(
            f"{value['source']}: {value['changed']:,} rows differ between"
            f" {value['first']} and {value['second']}",
            ["change", "rows"],
            [[name, f"{count:,}"] for name, count in value["by_change"].items()],
        ),
        tables.table(
            "Rows",
            ["row", "of", "change", "reason by the first", "reason by the second"],
            rows,
            words=True,
        ),
        *_more(value["changed"] - len(rows)),
    )


def rows_with_defect(value: dict[str, Any]) -> None:
    """The rows with one defect, and the command that shows the first of them."""
    rows = [
        [f"{row['row_number']:,}", row["record_id"][:12], row["outcome"], ", ".join(row["phrases"])]
        for row in value["rows"][:LISTED]
    ]
    title = f"{value['source']}: {len(value['rows']):,} rows with {value['defect']!r}"
    tables.show(
        tables.table(title, ["row", "record", "outcome", "defects"], rows, True),
        *_more(len(value["rows"]) - len(rows)),
        f"Show one: thinkbench audit --row {rows[0][1]} --defect {value['defect']!r}",
    )


def row(value: dict[str, Any]) -> None:
    """One row: its original fields with marked spans, its training example, its neighbours."""
    body = json.dumps(value["body"], sort_keys=True, ensure_ascii=False)
    head = f"Row {value['row_number']:,} of {value['origin']}, record {value['record_id'][:12]}"
    tables.show(f"{head}: {value['reason'] or value['outcome']}")
    if value["ruling"]:
        tables.show(f"{value['ruling']} by {value['ruled_by']}: {value['ruled_because']}")
    for field, text in spans.fields_of(value["shape"], body).items():
        if text:
            tables.show(
                f"\n── {field}, original ──",
                marks.in_terminal(spans.pieces(text, spans.marks_of(value, field))),
            )
    if value["prompt"] is not None:
        _show_example(value)
    position = f"\n{value['place']:,} of {value['of']:,}"
    for direction in ("previous", "next"):
        position += f"  {direction}: {value[direction][:12]}" if value[direction] else ""
    tables.show(position)


def _show_example(value: dict[str, Any]) -> None:
    for name in ("prompt", "reasoning", "answer"):
        tables.show(f"\n── {name}, training example ──", marks.elided(value[name]))
    for rewrite in value["rewrites"]:
        before = marks.elided(rewrite["before"])
        after = marks.elided(rewrite["after"]) or "nothing"
        tables.show(f"rewritten by {rewrite['rule']}: {before!r} became {after!r}")


def _more(count: int) -> list[str]:
    return [f"and {count:,} more: --json has all"] if count > 0 else []
