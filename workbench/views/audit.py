"""Audit: what conversion kept, why it turned the rest away, and the rows themselves."""

import json

import streamlit as st

from data import audit
from workbench import session

PAGE = 50  # rows

st.title("Audit")

conversions = session.answer(audit.conversions)
if conversions.is_empty():
    st.info("Nothing is converted yet. Ingest a source and convert it:")
    st.code(
        "thinkbench ingest samples-stratos\nthinkbench convert samples-stratos", language="shell"
    )
    st.stop()

left, right = st.columns(2)
sources = conversions["source"].unique(maintain_order=True).to_list()
source = left.selectbox("Source", sources, key="source", bind="query-params")
converters = conversions.filter(conversions["source"] == source)["converter"].to_list()
converter = right.selectbox(
    "Converter", converters, help="version and rules; the newest conversion comes first"
)
assert source is not None
assert converter is not None

counts = session.answer(audit.outcomes, source, converter)
for column, name in zip(st.columns(3), ("read", "converted", "quarantined"), strict=True):
    column.metric(name.capitalize(), f"{counts[name]:,}")

left, right = st.columns(2)
left.subheader("Why rows were turned away")
reasons = session.answer(audit.reasons, source, converter)
if reasons.is_empty():
    left.success("Every row was converted.")
else:
    shares = {"share": st.column_config.NumberColumn(format="percent")}
    left.dataframe(reasons, hide_index=True, column_config=shares)
right.subheader("Markers found")
right.dataframe(session.answer(audit.dialects, source, converter), hide_index=True)

st.subheader("Defects")
defects = session.answer(audit.defects, source, converter)
st.caption("A row may have several; `kept` of them became examples all the same.")
st.dataframe(defects, hide_index=True)

st.subheader("Rows")
phrases = defects["phrase"].unique(maintain_order=True).to_list()
phrase = st.selectbox("With the defect", phrases, index=None, placeholder="any row")
found = counts["read"]
if phrase is not None:
    found = int(defects.filter(defects["phrase"] == phrase)["rows"].max())
page = st.pagination(max(1, -(-found // PAGE)), key=f"page of {source} {converter} {phrase}")
rows = session.answer(audit.rows_with, source, converter, phrase, page, PAGE)
chosen = st.selectbox(
    "Row",
    rows["record_id"].to_list(),
    format_func=dict(
        zip(
            rows["record_id"],
            (
                f"row {n}: {', '.join(words) or 'no defect'}"
                for n, words in zip(rows["row_number"], rows["phrases"], strict=True)
            ),
            strict=True,
        )
    ).__getitem__,
)
if chosen is None:
    st.stop()

row = session.answer(audit.row, chosen, converter)
left, right = st.columns(2)
left.caption(f"As it came: row {row['row_number']} of {row['origin']}")
left.code(
    json.dumps(json.loads(row["body"]), indent=2, ensure_ascii=False),
    language=None,
    wrap_lines=True,
)
if row["outcome"] == "example":
    for name in ("prompt", "reasoning", "answer"):
        right.caption(name.capitalize())
        right.code(row[name], language=None, wrap_lines=True)
else:
    right.warning("Quarantined")
    right.text(row["reason"])
if row["defects"]:
    st.caption("Where its defects stand, in characters of each field")
    st.dataframe(row["defects"], hide_index=True)
if row["rewrites"]:
    st.caption("What named rules rewrote")
    st.dataframe(row["rewrites"], hide_index=True)
