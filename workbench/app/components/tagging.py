"""What people say and keep on the failures page: tags, of one or of many, and saved views."""

from urllib.parse import parse_qs, urlencode

import streamlit as st

from data.store import Store, annotations, ask
from workbench.app import state as session
from workbench.app.browse import Filter, of_address, pages, to_address
from workbench.app.components.keyboard import LAST, tags_of
from workbench.app.components.text import plain

HERE = "failures"  # the page of a saved view
LONGEST = 100  # characters of a tag or a name


def bar(filter: Filter, total: int) -> None:
    """How many there are, what to do with all of them, and the views that people saved."""
    count, tags, views = st.columns([3, 1, 1], vertical_alignment="center")
    count.markdown(f"**{total:,}** generations")
    if session.may_write() and total:
        with tags.popover("Tag all", width="stretch"):
            _tag_all(filter, total)
    with views.popover("Views", width="stretch"):
        _views(filter)


def _tag_all(filter: Filter, total: int) -> None:
    n = min(total, pages.MOST_TAGGED)
    st.caption(f"The tag goes to {n:,} of these {total:,} generations, whichever page they are on.")
    with st.form("tag all", border=False, clear_on_submit=True):
        tag = st.text_input("Tag", max_chars=LONGEST)
        add = st.form_submit_button(f"Add to {n:,}")
        take_back = st.form_submit_button(f"Take back from {n:,}")
    if add or take_back:
        index = session.index(filter.grader)
        found = pages.ids(index, session.store(), filter)
        done = _told(annotations.tag_all if add else annotations.untag_all, found, tag)
        if done:
            st.rerun()


def one(generation: str) -> None:
    """The tags of one generation, and a form to say another."""
    tags = tags_of(generation)
    with st.popover(f"Tags ({len(tags)})", width="stretch"):
        for tag in tags:
            st.text(plain(f"{tag['tag']} ({tag['author']})"))
            if session.may_write() and st.button("Take back", key=f"take back {tag['tag']}"):
                _told(annotations.untag_all, [generation], tag["tag"])
                st.rerun()
        if not session.may_write():
            return
        with st.form("tag", border=False, clear_on_submit=True):
            said = st.text_input("Tag", max_chars=LONGEST)
            sent = st.form_submit_button("Add")
        if sent and _told(annotations.tag_all, [generation], said):
            st.session_state[LAST] = said.strip()
            st.rerun()


def _told(say, generations: list[str], tag: str) -> bool:
    try:
        say(session.store(), "generation", generations, tag, session.author())
    except annotations.BadEntry as error:
        st.error("It could not be tagged.")
        st.text(plain(str(error)))
        return False
    return True


def saved_views(store: Store, page: str) -> dict[str, str]:
    """Name -> query of the views of one page."""
    rows = ask(store, "select name, query from saved_views where page = $page order by name",
               page=page)  # fmt: skip
    return dict(rows.iter_rows())


def _views(filter: Filter) -> None:
    views = session.answer(saved_views, HERE, reads=("saved_views",))
    if not views:
        st.caption("No view is saved yet. Choose what to see, then name it here.")
    else:
        name = st.selectbox(
            "Saved", list(views), index=None, placeholder="choose one", format_func=plain
        )
        left, right = st.columns(2)
        left.button("Open", on_click=_open, args=(views.get(name or "", ""),), width="stretch",
                    disabled=name is None)  # fmt: skip
        if session.may_write() and right.button("Delete", width="stretch", disabled=name is None):
            annotations.delete_view(session.store(), str(name))
            st.rerun()
    if not session.may_write():
        return
    with st.form("save view", border=False, clear_on_submit=True):
        name = st.text_input("Name of what is chosen now", max_chars=LONGEST)
        saved = st.form_submit_button("Save")
    if saved and name.strip():
        query = urlencode(to_address(filter), doseq=True)
        try:
            annotations.save_view(session.store(), name.strip(), HERE, query, session.author())
        except annotations.BadEntry as error:
            st.error("It could not be saved.")
            st.text(plain(str(error)))
        else:
            st.rerun()


def _open(query: str) -> None:
    # only what a filter may hold: a saved view is text that somebody wrote
    saved = to_address(of_address(parse_qs(query)))
    session.go({**dict.fromkeys(session.address()), **saved})
