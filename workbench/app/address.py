"""What a page shows though nobody chose it, as the newest run: kept, and put into its address.

A link must go on showing what it showed. Python's st.query_params would make a step of the
browser's history of each name, and, while a page is being opened, of the path of the one before.
So the browser is told at the end, and changes its address in place.
"""

import functools
from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

NOTES, PAGE = "unasked", "page of what is unasked"

# `page` is the last part of the path: where it is another one, the page is being left.
SCRIPT = """
export default function ({ data }) {
  const url = new URL(window.location.href)
  if (url.pathname.split("/").pop() !== data.page) return
  const added = Object.entries(data.notes).filter(([name]) => !url.searchParams.has(name))
  for (const [name, values] of added)
    for (const value of values) url.searchParams.append(name, value)
  if (added.length) window.history.replaceState(window.history.state, "", url)
}
"""


def begin(page: str) -> None:
    """Forget what another page showed. page: its path, empty for the first one"""
    if st.session_state.get(PAGE) != page:
        st.session_state[PAGE] = page
        st.session_state[NOTES] = {}


def notes() -> dict[str, list[str]]:
    """Name -> values, of what the page chose by itself."""
    return st.session_state.setdefault(NOTES, {})


def note(name: str, values: Sequence[str]) -> None:
    """Keep what the page chose by itself for `name`, until somebody chooses."""
    notes()[name] = list(values)


def to_address(part: str = "whole") -> None:
    """Have the browser put into its address what it lacks of the notes.

    part: of the page that is drawn anew by itself; once in each
    """
    page = st.session_state.get(PAGE)
    absent = {name: values for name, values in notes().items() if name not in st.query_params}
    if page is not None and absent:  # a view that runs alone, as in a test, has no page
        data = {"page": page, "notes": absent, "address": str(dict(st.query_params))}
        _component()(key=f"unasked of {part}", data=data)


@functools.cache
def _component() -> Any:
    return component("thinkbench_unasked", js=SCRIPT)
