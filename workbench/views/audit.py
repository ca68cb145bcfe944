"""Audit: what conversion kept, why it turned the rest away, and the rows themselves."""

import streamlit as st

from data import audit
from workbench import charts, session
from workbench.texts import plain
from workbench.views_of_rows import defects_by_source, rows_by_defect, survival_of

TABS = {
    "Rows by defect": rows_by_defect,
    "Defects by source": defects_by_source,
    "What training sees": survival_of,
}

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
OF_SOURCE = ("converter", "tokenizer", "record")  # chosen of one source, they say nothing of others
source = session.chosen(
    left.selectbox, "Source", sources, "source", stays=True, leaves=OF_SOURCE, format_func=plain
)
converters = conversions.filter(conversions["source"] == source)["converter"].to_list()
converter = session.chosen(
    right.selectbox,
    "Converter",
    converters,
    "converter",
    stays=True,
    format_func=plain,
    help="version and rules; the newest conversion comes first",
)
assert source is not None
assert converter is not None

counts = session.answer(audit.outcomes, source, converter)
for column, (name, rows) in zip(st.columns(len(counts)), counts.items(), strict=True):
    column.metric(name.replace("_", " ").capitalize(), f"{rows:,}")
bars = session.folded("As bars", "bars")
if bars.open:
    bars.altair_chart(charts.funnel(counts, session.ink()))

for tab, draw in zip(
    # what a tab holds is drawn while it is open only: the address says which is
    session.tabs(list(TABS), "view"),
    TABS.values(),
    strict=True,
):
    if tab.open:
        with tab:
            draw(source, converter)
