"""Train: choose what to train from, start it in the background, and follow it."""

import shlex

import streamlit as st

from workbench.app import state
from workbench.app.components import plain
from workbench.app.views.train import progress, trials
from workbench.app.views.train.form import form
from workbench.app.views.train.preflight import preflight

st.title("Train")

if state.may_write():
    described = form()
    if described is not None:
        words, preset = described
        st.code(plain(f"thinkbench {shlex.join(words)}"), language=None)
        may = preflight(words, preset)
        why = "In the background: it goes on when this page or the app is closed."
        st.button("Start", type="primary", on_click=progress.start, args=(words,), help=why,
                  disabled=not may)  # fmt: skip
else:
    st.info("This app only reads: it starts nothing.")

st.subheader("Jobs")
progress.followed()
trials.finished()
