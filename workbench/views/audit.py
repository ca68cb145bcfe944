"""Audit: what conversion kept, why it turned the rest away, and the rows themselves."""

import streamlit as st

from data import audit
from workbench import charts, session
from workbench.views_of_rows import detail, rows_of, ruling_form, survival_of

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
    "Converter",
    converters,
    key=f"converter of {source}",
    help="version and rules; the newest conversion comes first",
)
assert source is not None
assert converter is not None

counts = session.answer(audit.outcomes, source, converter)
for column, (name, rows) in zip(st.columns(len(counts)), counts.items(), strict=True):
    column.metric(name.replace("_", " ").capitalize(), f"{rows:,}")
st.altair_chart(charts.funnel(counts))

by_row, by_source, training = st.tabs(["Rows by defect", "Defects by source", "What training sees"])
with by_source:
    st.caption("The newest conversion of each source; shares are of all rows of that source.")
    shares = {"share": st.column_config.NumberColumn(format="percent")}
    st.dataframe(session.answer(audit.defects_by_source), hide_index=True, column_config=shares)
with training:
    survival_of(source, converter)
with by_row:
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
    st.caption("A row may have several; `kept` of them became examples all the same.")
    defects = session.answer(audit.defects, source, converter)
    st.dataframe(defects, hide_index=True)

    st.subheader("Rows")
    phrases = defects["phrase"].unique(maintain_order=True).to_list()
    phrase = st.selectbox(
        "With the defect",
        phrases,
        index=None,
        placeholder="any row",
        key="defect",
        bind="query-params",
    )
    record = rows_of(source, converter, phrase)
    if record is not None:
        row = detail(record, converter)
        ruling_form(record, row)
