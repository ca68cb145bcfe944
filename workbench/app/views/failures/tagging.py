"""Tags of one or of many generations, and saved views, on the Generations page."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode

import streamlit as st

from data.store import Store, annotations, ask
from workbench.app import address, state
from workbench.app.browse import Filter, of_address, pages, to_address
from workbench.app.components import plain
from workbench.app.views.failures.keyboard import LAST, tags_of

PAGE = "failures"  # the page of a saved view
LONGEST = 100  # characters of a tag or a name


def bar(where: Filter, total: int) -> None:
    """The number of results, what can be done with all of them, and the saved views."""
    count, tags, views = st.columns([3, 1, 1], vertical_alignment="center")
    count.markdown(f"**{total:,}** generation{'' if total == 1 else 's'}")
    if state.may_write() and total:
        n = min(total, pages.MOST_TAGGED)
        with tags.popover(f"Tag {n:,} result{'' if n == 1 else 's'}", width="stretch"):
            _tag_all(where, total)
    with views.popover("Saved views", width="stretch"):
        _views(where)


def _tag_all(where: Filter, total: int) -> None:
    n = min(total, pages.MOST_TAGGED)
    st.caption(f"Tags {n:,} of these {total:,} generations, on all pages.")
    with st.form("tag all", border=False, clear_on_submit=True):
        tag = st.text_input("Tag", max_chars=LONGEST)
        add = st.form_submit_button(f"Add to {n:,}")
        remove = st.form_submit_button(f"Remove from {n:,}")
    if add or remove:
        ids = pages.ids(state.index(where.grader), state.store(), where)
        if _change_tag(annotations.tag_all if add else annotations.untag_all, ids, tag):
            st.rerun()


def one(generation: str) -> None:
    """The tags of one generation, and a form to add another."""
    tags = tags_of(generation)
    with st.popover(f"Tags ({len(tags)})", width="stretch"):
        for tag in tags:
            st.text(plain(f"{tag['tag']} ({tag['author']})"))
            if state.may_write() and st.button("Remove tag", key=f"remove tag {tag['tag']}"):
                _change_tag(annotations.untag_all, [generation], tag["tag"])
                st.rerun()
        if not state.may_write():
            return
        with st.form("tag", border=False, clear_on_submit=True):
            name = st.text_input("Tag", max_chars=LONGEST)
            sent = st.form_submit_button("Add")
        if sent and _change_tag(annotations.tag_all, [generation], name):
            st.session_state[LAST] = name.strip()
            st.rerun()


def _change_tag(change: Callable[..., Any], generations: list[str], tag: str) -> bool:
    """Whether the tag was added or removed; if not, the page says why."""
    try:
        change(state.store(), "generation", generations, tag, state.author())
    except annotations.BadEntry as error:
        st.error("The tag could not be changed.")
        st.text(state.readable_error(error))
        return False
    return True


def saved_views(store: Store, page: str) -> dict[str, str]:
    """Name -> query of the views of one page."""
    rows = ask(store, "select name, query from saved_views where page = $page order by name",
               page=page)  # fmt: skip
    return dict(rows.iter_rows())


def _views(where: Filter) -> None:
    views = state.query(saved_views, PAGE, reads=("saved_views",))
    if not views:
        st.caption("No view is saved yet. Filter the generations, then save the view here.")
    else:
        _open_or_delete(views)
    if state.may_write():
        _save_view(where)


def _open_or_delete(views: dict[str, str]) -> None:
    name = st.selectbox("Saved", list(views), index=None, placeholder="choose", format_func=plain)
    left, right = st.columns(2)
    left.button("Open", on_click=_open, args=(views.get(name or "", ""),), width="stretch",
                disabled=name is None)  # fmt: skip
    if state.may_write() and right.button("Delete", width="stretch", disabled=name is None):
        annotations.delete_view(state.store(), str(name))
        st.rerun()


def _save_view(where: Filter) -> None:
    with st.form("save view", border=False, clear_on_submit=True):
        name = st.text_input("View name", max_chars=LONGEST).strip()
        sent = st.form_submit_button("Save")
    if not (sent and name):
        return
    query = urlencode(to_address(where), doseq=True)
    try:
        annotations.save_view(state.store(), name, PAGE, query, state.author())
    except annotations.BadEntry as error:
        st.error("The view could not be saved.")
        st.text(state.readable_error(error))
    else:
        st.rerun()


def _open(query: str) -> None:
    # only what a filter may contain: a saved view is text that anybody may have written
    saved = to_address(of_address(parse_qs(query)))
    address.go({**dict.fromkeys(address.parameters()), **saved})
