"""Train: choose what to train from, start it in the background, and follow it."""

import shlex

import streamlit as st

from workbench import following, session, trials
from workbench.fitting import preflight
from workbench.texts import plain
from workbench.training_form import form

st.title("Train")

if session.may_write():
    described = form()
    if described is not None:
        words, preset = described
        st.code(plain(f"thinkbench {shlex.join(words)}"), language=None)
        may = preflight(words, preset)
        why = "In the background: it goes on when this page or the app is closed."
        st.button("Start", type="primary", on_click=following.start, args=(words,), help=why,
                  disabled=not may)  # fmt: skip
else:
    st.info("This app only reads: it starts nothing.")

st.subheader("Jobs")
following.followed()
trials.finished()
