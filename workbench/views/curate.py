"""Curate: choose rows step by step, see what each step takes away, keep the choice as a version."""

import streamlit as st

from data import audit
from workbench import curating, session, versions

st.title("Curate")

if session.answer(audit.conversions).is_empty():
    st.info("Nothing is converted yet. Make examples and problems to choose from:")
    st.code(
        "thinkbench ingest samples-stratos\nthinkbench convert samples-stratos", language="shell"
    )
    st.stop()

parts = {"Choose": curating.choose, "Versions": versions.browse, "Own answers": versions.own}
part = session.chosen(st.segmented_control, "Part", list(parts), "part", required=True)
parts[part]()
