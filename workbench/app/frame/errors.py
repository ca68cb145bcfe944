"""An error that its reader can mend, as a page that says what to do; a bug is raised."""

import contextlib
from collections.abc import Iterator

import streamlit as st

from data.store.files import StoreError
from workbench.app import state
from workbench.formatting import error_message


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Show a user's error, such as one of a damaged store, in place of what cannot be drawn.

    It decorates fragments too: they run alone, without the page around them.
    """
    try:
        yield
    except Exception as error:
        message = error_message(error)
        if message is None:
            raise
        of_store = isinstance(error, StoreError)
        st.error("The store cannot be read." if of_store else "This page cannot be shown.")
        st.text(state.readable_error(message))
        if of_store:
            st.caption("What is wrong with the store, part by part, and what can be mended:")
            state.show_commands("doctor", "store --help")
