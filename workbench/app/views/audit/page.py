"""Audit: what conversion kept, why it turned the rest away, and the rows themselves."""

import streamlit as st

from data.audit import queries
from workbench.app import state
from workbench.app.components import charts, plain
from workbench.app.views.audit.rows import defects_by_source, rows_by_defect, survival_of

TABS = {
    "Rows by defect": rows_by_defect,
    "Defects by source": defects_by_source,
    "What training sees": survival_of,
}

st.title("Audit")

conversions = state.answer(queries.conversions)
if conversions.is_empty():
    st.info("Nothing is converted yet. Ingest a source and convert it:")
    st.code(
        "thinkbench ingest samples-stratos\nthinkbench convert samples-stratos", language="shell"
    )
    st.stop()

left, right = st.columns(2)
sources = conversions["source"].unique(maintain_order=True).to_list()
OF_SOURCE = ("converter", "tokenizer", "record")  # chosen of one source, they say nothing of others
source = state.chosen(
    left.selectbox, "Source", sources, "source", stays=True, leaves=OF_SOURCE, format_func=plain
)
converters = conversions.filter(conversions["source"] == source)["converter"].to_list()
converter = state.chosen(
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

counts = state.answer(queries.outcomes, source, converter)
for column, (name, rows) in zip(st.columns(len(counts)), counts.items(), strict=True):
    column.metric(name.replace("_", " ").capitalize(), f"{rows:,}")
bars = state.folded("As bars", "bars")
if bars.open:
    bars.altair_chart(charts.funnel(counts, state.ink()))

for tab, draw in zip(
    # what a tab holds is drawn while it is open only: the address says which is
    state.tabs(list(TABS), "view"),
    TABS.values(),
    strict=True,
):
    if tab.open:
        with tab:
            draw(source, converter)
