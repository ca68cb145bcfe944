"""What was trained on, in a report: each source from rows read to rows trained on, and why not."""

from typing import Any

from data.audit import fields_of, html, queries, rows as audit_rows
from data.store import Store
from workbench.report.excerpts import shown
from workbench.report.selection import Selection

DEFECTS_SHOWN = 6  # with an example
CONTEXT = 160  # characters on each side of a defect


def sources(store: Store, chosen: Selection) -> list[dict[str, Any]]:
    """For each source: funnel, reasons, defects with one example each, licence and origin."""
    facts = {step.title: step.facts for step in chosen.lineage if step.kind == "source"}
    return [
        {
            "source": source,
            "converter": converter,
            "used_by": [run["kind"].upper() for run in chosen.trainings if _read(run) == source],
            "facts": facts.get(source, {}),
            "funnel": _funnel(queries.outcomes(store, source, converter)),
            "reasons": queries.reasons(store, source, converter).to_dicts(),
            "defects": _defects(store, source, converter),
            "dialects": queries.dialects(store, source, converter).to_dicts(),
        }
        for source, converter in chosen.sources.items()
    ]


def _read(run: dict[str, Any]) -> str | None:
    """The source that a training run learned from; None where it was a subset."""
    return ((run["summary"] or {}).get("learned_from") or {}).get("source")


def _funnel(counts: dict[str, int]) -> list[dict[str, Any]]:
    read = counts["read"] or 1
    return [
        {"name": name.replace("_", " "), "rows": rows, "share": rows / read}
        for name, rows in counts.items()
        if rows or name in ("read", "converted", "quarantined", "to_train_on")
    ]


def _defects(store: Store, source: str, converter: str) -> list[dict[str, Any]]:
    rows = queries.defects(store, source, converter).to_dicts()
    return [
        row | {"example": _example(store, source, converter, row["phrase"])}
        if number < DEFECTS_SHOWN
        else row | {"example": None}
        for number, row in enumerate(rows)
    ]


def _example(store: Store, source: str, converter: str, phrase: str) -> dict[str, Any] | None:
    """The first row with a defect: where it is, what became of it, and the text around it."""
    listed = audit_rows.rows_with(store, source, converter, phrase, 1, 1)
    if listed.is_empty():
        return None
    row = audit_rows.row(store, listed["record_id"][0], converter)
    texts = fields_of(row["shape"], row["body"])
    for defect in row["defects"]:
        if defect["phrase"] == phrase and defect["field"] in texts:
            text = texts[defect["field"]]
            before, inside, after = html.excerpt(text, defect["start"], defect["end"], CONTEXT)
            return {
                "row": row["row_number"],
                "origin": row["origin"],
                "outcome": row["reason"] or "kept",
                "before": shown(before),
                "inside": inside if inside == "\u200b" else shown(inside),
                "after": shown(after),
            }
    return None
