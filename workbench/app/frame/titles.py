"""The window of the browser: its icon, the wordmark above the pages, and its title.

Both images are files of this package, which the page itself contains: nothing is fetched from
another machine.
"""

from pathlib import Path

import streamlit as st

from workbench.app import address
from workbench.app.components import plain

WORDMARK, ICON = (str(Path(__file__).with_name(f"{name}.svg")) for name in ("wordmark", "favicon"))
STYLE = Path(__file__).with_name("style.css")
# path of a page -> the names in its address that say what is selected on it
SELECTION = {
    "audit": ("source", "defect"),
    "failures": ("run", "stage", "generation"),
    "rollouts": ("run",),
    "compare": ("a", "b"),
    "judge": ("judge",),
    "curate": ("first", "source"),
    "lineage": ("id", "defect"),
    "train": ("job",),
}
LONGEST = 40  # characters of a part of a title
SELECTED = 2  # parts of the selection in a title


def begin_window(title: str) -> None:
    """The window as it is until the page has chosen its defaults.   title: of the page"""
    st.set_page_config(page_title=f"{title} · thinkbench", page_icon=ICON, layout="wide")
    st.html(STYLE)
    st.logo(WORDMARK, size="large", icon_image=ICON)


def name_window(title: str, path: str) -> None:
    """Have the title of the window name the page and what is selected on it."""
    chosen = {**address.defaults(), **address.parameters()}
    values = [value for name in SELECTION.get(path, ()) for value in chosen.get(name, ()) if value]
    parts = [" ".join(plain(value).split())[:LONGEST] for value in values[:SELECTED]]
    st.set_page_config(page_title=" · ".join([title, *parts, "thinkbench"]))
