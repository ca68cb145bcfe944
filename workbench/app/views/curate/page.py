"""Curate: choose rows step by step, see what each step takes away, keep the choice as a version."""

import streamlit as st

from data.audit import queries
from workbench.app import state
from workbench.app.views.curate import form, versions

st.title("Curate")

if state.answer(queries.conversions).is_empty():
    st.info("Nothing is converted yet. Make examples and problems to choose from:")
    st.code(
        "thinkbench ingest samples-stratos\nthinkbench convert samples-stratos", language="shell"
    )
    st.stop()

parts = {"Choose": form.choose, "Versions": versions.browse, "Own answers": versions.own}
part = state.chosen(st.segmented_control, "Part", list(parts), "part", required=True)
parts[part]()
