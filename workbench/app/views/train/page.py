"""Train: configure a training run, start it in the background, and follow it."""

import shlex

import streamlit as st

from workbench.app import state
from workbench.app.views.train import progress, trials
from workbench.app.views.train.form import form
from workbench.app.views.train.preflight import preflight

st.title("Train")

state.store()  # without one nothing can be started: the page says so and ends
if state.may_write():
    described = form()
    if described is not None:
        words, preset = described
        state.show_commands(shlex.join(words))
        fits = preflight(words, preset)
        why = "Runs in the background: closing this page or the app does not stop it."
        st.button("Start", type="primary", on_click=progress.start, args=(words,), help=why,
                  disabled=not fits)  # fmt: skip
else:
    st.info("Read-only mode: no jobs can be started.")

st.header("Jobs")
progress.jobs_and_progress()
trials.results()
