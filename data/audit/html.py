"""The audit of one conversion as a page of HTML that needs nothing else, not even a network."""

from html import escape
from typing import Any

from data.audit import queries, rows as audit_rows
from data.audit.spans import fields_of
from data.store import Store

ROWS = 10  # shown of each defect
CONTEXT = 240  # characters shown on each side of a defect
STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: .5rem 0 1.5rem }
th, td { text-align: left; padding: .2rem 1.2rem .2rem 0; border-bottom: 1px solid #8884 }
td.n { text-align: right; font-variant-numeric: tabular-nums }
pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: .6rem; background: #8881 }
mark { background: #e5484d55; color: inherit; outline: 1px solid #e5484d }
.bar { display: inline-block; height: .7rem; background: #4a7fb5 }
summary { cursor: pointer }
"""


def page(store: Store, source: str, converter: str) -> str:
    """The page. Every text of the data is escaped: none of it becomes markup."""
    counts = queries.outcomes(store, source, converter)
    parts = [
        f"<h1>Conversion of {escape(source)}</h1><p>Converter {escape(converter)}</p>",
        _funnel(counts),
        "<h2>Why rows were turned away</h2>",
        _table(queries.reasons(store, source, converter).select("reason", "rows").rows()),
        "<h2>Markers found</h2>",
        _table(
            (f"{dialect or 'none'} {pattern or ''}", rows)
            for dialect, pattern, rows, _ in queries.dialects(store, source, converter).iter_rows()
        ),
        "<h2>Defects</h2>",
        *(
            _defect(store, source, converter, row)
            for row in queries.defects(store, source, converter).iter_rows(named=True)
        ),
    ]
    title = f"<title>Conversion of {escape(source)}</title>"
    head = f'<meta charset="utf-8">{title}<style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>'


def _funnel(counts: dict[str, int]) -> str:
    rows = []
    for name in counts:
        share = counts[name] / counts["read"] if counts["read"] else 0
        bar = f'<span class="bar" style="width:{20 * share:.2f}rem"></span>'
        number = f'<td class="n">{counts[name]:,}</td><td class="n">{share:.1%}</td>'
        rows.append(f"<tr><td>{name.replace('_', ' ')}</td>{number}<td>{bar}</td></tr>")
    return f"<table>{''.join(rows)}</table>"


def _table(rows: Any) -> str:
    lines = "".join(
        f'<tr><td>{escape(str(name))}</td><td class="n">{n:,}</td></tr>' for name, n in rows
    )
    return f"<table>{lines}</table>" if lines else "<p>None.</p>"


def _defect(store: Store, source: str, converter: str, row: dict[str, Any]) -> str:
    said = f"{escape(row['phrase'])}: {row['rows']:,} rows, {row['kept']:,} of them kept"
    found = audit_rows.rows_with(store, source, converter, row["phrase"], 1, ROWS)
    shown = "".join(
        _row(audit_rows.row(store, record, converter), row["phrase"])
        for record in found["record_id"]
    )
    first = f"<p>The first {found.height} of them.</p>" if row["rows"] > found.height else ""
    return f"<details><summary>{said} ({row['severity']})</summary>{first}{shown}</details>"


def _row(row: dict[str, Any], phrase: str) -> str:
    texts = fields_of(row["shape"], row["body"])
    spans = [defect for defect in row["defects"] if defect["phrase"] == phrase]
    pieces = [
        f"<pre>{marked(texts[d['field']], d['start'], d['end'], CONTEXT)}</pre>"
        for d in spans
        if d["field"] in texts
    ]
    outcome = row["reason"] or "kept"
    place = f"row {row['row_number']} of {escape(row['origin'])}: {escape(outcome)}"
    return f"<p>{place}</p>{''.join(pieces)}"


def marked(text: str, start: int, end: int, context: int) -> str:
    """`text` around [start, end) as HTML, that span marked; an empty span is shown as a place."""
    before, inside, after = text[max(0, start - context) : start], text[start:end], text[end:]
    lead = "…" if start > context else ""
    tail = "…" if len(after) > context else ""
    if len(inside) > 2 * context:
        inside = f"{inside[:context]} … {inside[-context:]}"
    hit = f"<mark>{escape(inside) or '&#8203;'}</mark>"
    return f"{lead}{escape(before)}{hit}{escape(after[:context])}{tail}"
