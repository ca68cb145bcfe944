"""Curate: choose rows step by step, see what each step removes, and save a version."""

import streamlit as st

from data.audit import queries
from workbench.app import state
from workbench.app.components import choices
from workbench.app.views.curate import recipe, self_distillation, versions

st.title("Curate")

if state.query(queries.conversions).is_empty():
    st.info("Nothing is converted yet. Make examples and problems to choose from:")
    state.show_commands("ingest samples-stratos", "convert samples-stratos")
    st.stop()

# value in the address -> label, and what draws the part
parts = {
    "Choose": ("Build", recipe.build),
    "Versions": ("Subset versions", versions.browse),
    "Own answers": ("Self-distillation (rejection sampling)", self_distillation.form),
}
part = choices.choose(
    st.segmented_control,
    "Part",
    list(parts),
    "part",
    required=True,
    format_func=lambda name: parts[name][0],
)
parts[part][1]()
