"""Audit: which rows were converted, why the others were quarantined, and the rows themselves."""

import streamlit as st

from data.audit import queries
from workbench.app import state
from workbench.app.components import charts, choices, plain
from workbench.app.views.audit.defects import defects_by_source, rows_by_defect
from workbench.app.views.audit.token_budget import survival

# value in the address -> label of the tab, and what draws it
TABS = {
    "Rows by defect": ("Rows by defect", rows_by_defect),
    "Defects by source": ("Defects by source", defects_by_source),
    "What training sees": ("Token budget", survival),
}
OF_SOURCE = ("converter", "tokenizer", "record")  # choices that depend on the source
# count of data.audit.queries.outcomes -> label
LABELS = {
    "read": "Rows read",
    "converted": "Converted",
    "quarantined": "Quarantined",
    "held_back": "Excluded manually",
    "released": "Restored manually",
    "other_split": "Of other splits",
    "to_train_on": "Training examples",
}

st.title("Audit")

conversions = state.query(queries.conversions)
if conversions.is_empty():
    st.info("Nothing is converted yet. Ingest a source and convert it:")
    state.show_commands("ingest samples-stratos", "convert samples-stratos")
    st.stop()

left, right = st.columns(2)
sources = conversions["source"].unique(maintain_order=True).to_list()
source = choices.choose(
    left.selectbox, "Source", sources, "source", pinned=True, clears=OF_SOURCE, format_func=plain
)
converters = conversions.filter(conversions["source"] == source)["converter"].to_list()
converter = choices.choose(
    right.selectbox,
    "Converter",
    converters,
    "converter",
    pinned=True,
    format_func=plain,
    help="version and rules; the newest conversion comes first",
)
assert source is not None
assert converter is not None

outcomes = state.query(queries.outcomes, source, converter)
counts = {LABELS[name]: rows for name, rows in outcomes.items()}
for column, (label, rows) in zip(st.columns(len(counts)), counts.items(), strict=True):
    column.metric(label, f"{rows:,}")
bars = choices.fold("Chart", "bars")
if bars.open:
    bars.altair_chart(charts.funnel(counts, charts.text_colour()))

labels = {value: label for value, (label, _) in TABS.items()}
for tab, (_, draw) in zip(choices.tabs(labels, "view"), TABS.values(), strict=True):
    if tab.open:  # a closed tab is not drawn; the address says which one is open
        with tab:
            draw(source, converter)
