"""The audit of one conversion as one HTML file, which loads nothing from elsewhere."""

from functools import cache
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from data.audit import queries, rows as audit_rows
from data.audit.spans import fields_of
from data.store import Store

ROWS = 10  # shown of each defect
CONTEXT = 240  # characters shown on each side of a defect

PAGE = """\
{%- macro table(rows) -%}
{% if rows %}<table>
{%- for name, n in rows %}<tr><td>{{ name }}</td><td class="n">{{ "{:,}".format(n) }}</td></tr>
{%- endfor %}</table>{% else %}<p>None.</p>{% endif %}
{%- endmacro -%}
<!doctype html><html lang="en"><head><meta charset="utf-8">
<title>Conversion of {{ source }}</title>
<style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: .5rem 0 1.5rem }
th, td { text-align: left; padding: .2rem 1.2rem .2rem 0; border-bottom: 1px solid #8884 }
td.n { text-align: right; font-variant-numeric: tabular-nums }
pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: .6rem; background: #8881 }
mark { background: #e5484d55; color: inherit; outline: 1px solid #e5484d }
.bar { display: inline-block; height: .7rem; background: #4a7fb5 }
summary { cursor: pointer }
</style></head><body>
<h1>Conversion of {{ source }}</h1><p>Converter {{ converter }}</p>
<table>
{%- for name, n, share in funnel %}<tr><td>{{ name }}</td><td class="n">{{ "{:,}".format(n) }}</td>
<td class="n">{{ "{:.1%}".format(share) }}</td>
<td><span class="bar" style="width:{{ "{:.2f}".format(20 * share) }}rem"></span></td></tr>
{%- endfor %}</table>
<h2>Why rows were quarantined</h2>{{ table(reasons) }}
<h2>Markers found</h2>{{ table(dialects) }}
<h2>Defects</h2>
{%- for defect in defects %}
<details><summary>{{ defect.phrase }}: {{ "{:,}".format(defect.rows) }} rows, \
{{ "{:,}".format(defect.kept) }} of them kept ({{ defect.severity }})</summary>
{%- if defect.rows > defect.shown | length %}<p>The first {{ defect.shown | length }} of them.</p>
{%- endif %}
{%- for row in defect.shown %}
<p>row {{ row.number }} of {{ row.origin }}: {{ row.outcome }}</p>
{%- for before, inside, after in row.excerpts %}
<pre>{{ before }}<mark>{{ inside }}</mark>{{ after }}</pre>
{%- endfor %}{% endfor %}</details>
{%- endfor %}
</body></html>
"""


@cache
def _template() -> Template:
    """With autoescape, so that no text of the data becomes markup."""
    return Environment(autoescape=True, undefined=StrictUndefined).from_string(PAGE)


def page(store: Store, source: str, converter: str) -> str:
    counts = queries.outcomes(store, source, converter)
    reasons = queries.reasons(store, source, converter)
    dialects = queries.dialects(store, source, converter)
    defects = queries.defects(store, source, converter)
    return _template().render(
        source=source,
        converter=converter,
        funnel=[
            (name.replace("_", " "), n, n / counts["read"] if counts["read"] else 0)
            for name, n in counts.items()
        ],
        reasons=reasons.select("reason", "rows").rows(),
        dialects=[
            (f"{dialect or 'none'} {pattern or ''}", n)
            for dialect, pattern, n, _ in dialects.iter_rows()
        ],
        defects=[
            {**row, "shown": _first_rows(store, source, converter, row["phrase"])}
            for row in defects.iter_rows(named=True)
        ],
    )


def _first_rows(store: Store, source: str, converter: str, phrase: str) -> list[dict[str, Any]]:
    """number, origin, outcome, excerpts: of the first ROWS rows with a defect."""
    ids = audit_rows.rows_with(store, source, converter, phrase, 1, ROWS)["record_id"]
    rows = (audit_rows.row(store, record_id, converter) for record_id in ids)
    return [
        {
            "number": row["row_number"],
            "origin": row["origin"],
            "outcome": row["reason"] or "kept",
            "excerpts": _excerpts(row, phrase),
        }
        for row in rows
    ]


def _excerpts(row: dict[str, Any], phrase: str) -> list[tuple[str, str, str]]:
    texts = fields_of(row["shape"], row["body"])
    return [
        excerpt(texts[defect["field"]], defect["start"], defect["end"], CONTEXT)
        for defect in row["defects"]
        if defect["phrase"] == phrase and defect["field"] in texts
    ]


def excerpt(text: str, start: int, end: int, context: int) -> tuple[str, str, str]:
    """What stands before [start, end), in it and after it, with at most `context` characters.

    An empty span shows as a zero-width space, so that its position can be marked.
    """
    before, inside, after = text[max(0, start - context) : start], text[start:end], text[end:]
    if len(inside) > 2 * context:
        inside = f"{inside[:context]} … {inside[-context:]}"
    return (
        ("…" if start > context else "") + before,
        inside or "\u200b",
        after[:context] + ("…" if len(after) > context else ""),
    )
