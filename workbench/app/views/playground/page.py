"""Playground: one question to several models, whose answers grow beside each other."""

import streamlit as st

from data.errors import UserError
from workbench.app import state
from workbench.app.components import plain
from workbench.app.views.playground import answers
from workbench.app.views.playground.form import Form, form
from workbench.playground import Asking, Workers, new_question, stored_question

ASKING = "playground asking"  # of the session

st.title("Playground")
if not state.may_write():
    st.info("Read-only mode: no questions can be asked.")
    st.stop()


@st.cache_resource(show_spinner=False)
def _workers() -> Workers:
    return Workers()


def _ask(chosen: Form) -> None:
    """Put the question of the form to its models; an earlier question ends."""
    if chosen.problem_id:
        question = stored_question(state.store(), chosen.problem_id, chosen.config)
    else:
        question = new_question(chosen.text, chosen.gold, chosen.config)
    if (before := st.session_state.get(ASKING)) is not None:
        before.stop()
    asking = st.session_state[ASKING] = Asking(question, chosen.choices)
    asking.start(state.folder(), _workers())


chosen = form()
if st.button("Ask", type="primary", disabled=chosen is None) and chosen is not None:
    try:
        _ask(chosen)
    except UserError as error:
        st.error("The question could not be sent:")
        st.text(plain(str(error)))
if (asking := st.session_state.get(ASKING)) is not None:
    answers.answers(asking)
