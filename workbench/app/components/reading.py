"""A text to read on a page: rendered, or raw where every character counts."""

from collections.abc import Sequence

import streamlit as st

from data.audit import Mark
from workbench.app import address
from workbench.app.components.rendered import escaped, markdown
from workbench.app.components.text import LONGEST, blocks, folded, inside, without_tags

DIFFERENCES, RAW = "differences", "raw"  # as the address has them
SHOW = {DIFFERENCES: "Diff", RAW: "Raw text"}
LINE = 680  # pixels: 75 to 80 characters


def switches(*names: str) -> list[str]:
    """Draw switches of how texts are shown; those that are on. The address keeps them."""
    chosen = [one for one in st.query_params.get_all("show") if one in names]
    st.session_state["show also"] = chosen
    st.pills(
        "Show",
        names,
        selection_mode="multi",
        key="show also",
        format_func=SHOW.__getitem__,
        label_visibility="collapsed",
        on_change=lambda: address.go({"show": st.session_state["show also"]}),
    )
    return chosen


def is_raw() -> bool:
    """Whether the address asks for texts as they are stored."""
    return RAW in st.query_params.get_all("show")


def show_text(text: str, marks: Sequence[Mark] = (), name: str = "text", raw: bool = False) -> None:
    """Draw `text` with a fold for each of its blocks.

    name: title of the text outside any block
    raw: every character as it is stored; otherwise Markdown and formulas are rendered
    """
    if raw or len(text) > LONGEST:
        st.html(folded(text, marks, name))
        return
    lines = st.container(width=LINE, gap="small")
    for kind, start, end in blocks(text):
        title = f"{name if kind == 'text' else kind}, {end - start:,} characters"
        if kind != "text":
            start, end = without_tags(text, start, end)
        fold = lines.expander(escaped(title), expanded=True)
        fold.markdown(markdown(text[start:end], inside(marks, start, end)))
