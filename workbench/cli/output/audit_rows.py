"""What `thinkbench audit` answers about rows: those with a defect, and one with its marks."""

import json
from typing import Any

from data.audit import quarantine, queries, rows as audit_rows, spans
from data.errors import UserError
from data.store import Store
from workbench.cli import Answer
from workbench.cli.output import tables
from workbench.formatting import marks

LISTED = 50  # rows that are printed; --json has all


def with_defect(store: Store, source: str, phrase: str) -> Answer:
    """The rows of `source` that have a defect, in file order."""
    converter = queries.newest(store, source)
    phrases = queries.defects(store, source, converter)["phrase"].unique(maintain_order=True)
    if phrase not in phrases:
        raise UserError(
            f"no row of {source!r} has the defect {phrase!r}; those found there:"
            f" {', '.join(phrases) or 'none'}"
        )
    n = queries.outcomes(store, source, converter)["read"]
    rows = audit_rows.rows_with(store, source, converter, phrase, 1, n).to_dicts()
    return {"source": source, "converter": converter, "defect": phrase, "rows": rows}, _show_list


def _show_list(value: dict[str, Any]) -> None:
    rows = [
        [f"{row['row_number']:,}", row["record_id"][:12], row["outcome"], ", ".join(row["phrases"])]
        for row in value["rows"][:LISTED]
    ]
    more = len(value["rows"]) - len(rows)
    title = f"{value['source']}: {len(value['rows']):,} rows with {value['defect']!r}"
    tables.show(
        tables.table(title, ["row", "record", "outcome", "defects"], rows, True),
        *([f"and {more:,} more: --json has all"] if more else []),
        f"Look at one: thinkbench audit --row {rows[0][1]} --defect {value['defect']!r}",
    )


def row(store: Store, record: str, phrase: str | None) -> Answer:
    """One row before and after; with `phrase`, its neighbours among the rows with that defect."""
    found = quarantine.find(store, record)
    record_id, converter = found["record_id"], queries.newest(store, found["source"])
    if audit_rows.neighbours(store, found["source"], converter, None, record_id)["place"] is None:
        raise UserError(
            f"record {record_id[:12]} is not converted by {converter}. Convert what is new:"
            f" thinkbench convert {found['source']}"
        )
    place = audit_rows.neighbours(store, found["source"], converter, phrase, record_id)
    if place["place"] is None:
        raise UserError(f"record {record_id[:12]} has no defect {phrase!r}")
    value = audit_rows.row(store, record_id, converter)
    value["body"] = json.loads(value["body"])
    value["ruled_at"] = value["ruled_at"] and value["ruled_at"].isoformat()
    return {"record_id": record_id, "converter": converter, **value, **place}, _show_row


def _show_row(value: dict[str, Any]) -> None:
    body = json.dumps(value["body"], sort_keys=True, ensure_ascii=False)
    head = f"Row {value['row_number']:,} of {value['origin']}, record {value['record_id'][:12]}"
    tables.show(f"{head}: {value['reason'] or value['outcome']}")
    if value["ruling"]:
        tables.show(f"{value['ruling']} by {value['ruled_by']}: {value['ruled_because']}")
    for field, text in spans.fields_of(value["shape"], body).items():
        if text:
            tables.show(
                f"\n── {field}, as it came ──",
                marks.in_terminal(spans.pieces(text, spans.marks_of(value, field))),
            )
    if value["prompt"] is not None:
        for name in ("prompt", "reasoning", "answer"):
            tables.show(f"\n── {name}, as it is trained on ──", marks.elided(value[name]))
        for rewrite in value["rewrites"]:
            before = marks.elided(rewrite["before"])
            after = marks.elided(rewrite["after"]) or "nothing"
            tables.show(f"rewritten by {rewrite['rule']}: {before!r} became {after!r}")
    at = f"\n{value['place']:,} of {value['of']:,}"
    for way in ("previous", "next"):
        at += f"  {way}: {value[way][:12]}" if value[way] else ""
    tables.show(at)
