"""The address of a page: what people chose, and the defaults that the page chose for them.

A link must go on showing what it showed, so a default that changes as runs are added (such as the
newest run) is written into the address too. Python's `st.query_params` would add a step to the
browser's history for each name and, while a page is being opened, to the path of the page before.
So the browser itself changes its address in place, when the page is drawn.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

DEFAULTS, PAGE = "address defaults", "page of the address defaults"
LAST = "last addresses of pages"

# `page` is the last part of the path: if it differs, the browser is leaving the page.
SCRIPT = """
export default function ({ data }) {
  const url = new URL(window.location.href)
  if (url.pathname.split("/").pop() !== data.page) return
  const added = Object.entries(data.defaults).filter(([name]) => !url.searchParams.has(name))
  for (const [name, values] of added)
    for (const value of values) url.searchParams.append(name, value)
  if (added.length) window.history.replaceState(window.history.state, "", url)
}
"""


def parameters() -> dict[str, list[str]]:
    """Name -> values of the address. Anybody may have written the link: do not trust them."""
    return {name: st.query_params.get_all(name) for name in st.query_params}


def value(name: str, default: str = "") -> str:
    """The last value of `name` in the address."""
    return st.query_params.get(name, default)


def number(name: str, default: int = 1, least: int = 1) -> int:
    """The whole number under `name` in the address; `default` where it has no valid one."""
    text = st.query_params.get(name, "")
    is_number = text.isascii() and text.isdigit() and len(text) < 10
    return max(least, int(text) if is_number else default)


def one_of(name: str, values: Sequence[str], default: str | None = None) -> str | None:
    """The value of `name` in the address if it is in `values`, else the default or the first."""
    chosen = st.query_params.get(name)
    if chosen in values:
        return chosen
    return default if default in values else next(iter(values), None)


def go(changes: Mapping[str, str | list[str] | None]) -> None:
    """Change the address, as one step of the browser's history; empty values are removed from it.

    Widgets are not bound to the address by Streamlit's own `bind`: such names could not be changed
    here.
    """
    address: dict[str, str | list[str]] = {**defaults(), **parameters()}
    for name, changed in changes.items():
        address.pop(name, None)
        defaults().pop(name, None)
        if changed:
            address[name] = changed
    st.query_params.from_dict(address)
    remember()


def begin(page: str) -> None:
    """Forget the defaults of another page. page: its path, empty for the first page"""
    if st.session_state.get(PAGE) != page:
        st.session_state[PAGE] = page
        st.session_state[DEFAULTS] = {}


def remember() -> None:
    """Keep what the page shows now, so that a link can lead back to it."""
    page = st.session_state.get(PAGE)
    if page is not None:
        st.session_state.setdefault(LAST, {})[page] = {**defaults(), **parameters()}


def last_of(page: str) -> dict[str, list[str]]:
    """What this person's visit showed last on a page; empty before the first time."""
    return st.session_state.get(LAST, {}).get(page, {})


def defaults() -> dict[str, list[str]]:
    """Name -> values that the page chose by itself."""
    return st.session_state.setdefault(DEFAULTS, {})


def set_default(name: str, values: Sequence[str]) -> None:
    """Keep what the page chose by itself for `name`, until a person chooses."""
    defaults()[name] = list(values)


def write_defaults(part: str = "whole") -> None:
    """Have the browser add the defaults that its address lacks.

    part: of the page that is rerun by itself; call this once in each
    """
    page = st.session_state.get(PAGE)
    absent = {name: values for name, values in defaults().items() if name not in st.query_params}
    if page is not None and absent:  # a view that runs alone, as in a test, has no page
        data = {"page": page, "defaults": absent, "address": str(dict(st.query_params))}
        _component()(key=f"address defaults of {part}", data=data)


@functools.cache
def _component() -> Any:
    return component("thinkbench_address", js=SCRIPT)
