"""What every page of the app shares: the store, answers kept until it changes, the address."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from data.store import Store, generation, open_store, version
from workbench.app import address as unasked, auth
from workbench.app.browse import Filter, Index, new_index, refresh
from workbench.app.components import plain
from workbench.lookup import user_name

FIRST = "thinkbench run --preset tiny"


def folder() -> Path:
    """The store's folder, as `thinkbench app --store` or THINKBENCH_STORE names it."""
    return Path(os.environ.get("THINKBENCH_STORE", "store")).absolute()


def store() -> Store:
    """The store; where there is none yet, the page says what to run and ends."""
    if not (folder() / "STORE.json").is_file():
        st.info(f"There is no store in `{folder()}` yet. Make one, then reload this page:")
        st.code(f"thinkbench --store {folder()} run --preset tiny", language="shell")
        st.stop()
    return _opened(folder(), (folder() / "STORE.json").read_text(encoding="utf-8"))


@st.cache_resource(max_entries=4)
def _opened(folder: Path, told: str) -> Store:
    """`folder` as the store that its STORE.json tells of: another may be made in its place."""
    return open_store(folder)


def answer(question: Callable[..., Any], *values: Any, reads: Sequence[str] = ()) -> Any:
    """`question(store, *values)`, asked again only after the store has changed.

    reads: the tables and views that it reads, where what others hold makes its answer not old
    """
    here = store()
    at = version(here, *reads) if reads else generation(here)
    return _answer(_name(question), values, here.store_id, at, question, here)


def browsed(question: Callable[..., Any], filter: Filter, *values: Any, tags: bool = False) -> Any:
    """`question(index, store, filter, *values)` of workbench/app/browse/pages.py, likewise.

    tags: whether the answer tells of tags; where neither it nor the filter does, one more tag
    makes it not old
    """
    here, at = store(), index(filter.grader)
    asked = (filter.key(), *values)
    return _answer(
        _name(question),
        asked,
        here.store_id,
        at.version if tags or filter.of("tag") else at.rows,
        lambda store, *_: question(at, store, filter, *values),
        here,
    )


def index(grader: str) -> Index:
    """The rows of the store as facets count them, as of now."""
    here = store()
    found = _index(here.store_id, str(here.folder), grader)
    refresh(found, here)
    return found


@st.cache_resource(show_spinner="Reading what is stored", max_entries=4)
def _index(store_id: str, folder: str, grader: str) -> Index:
    return new_index(grader)


def _name(question: Callable[..., Any]) -> str:
    return f"{question.__module__}.{question.__qualname__}"


@st.cache_data(max_entries=512, show_spinner=False)
def _answer(
    name: str,
    values: tuple[Any, ...],
    store_id: str,
    at: Any,
    _question: Callable[..., Any],
    _store: Store,
) -> Any:
    # arguments with an underscore are no part of the key: name, values, store and version are
    return _question(_store, *values)


def address() -> dict[str, list[str]]:
    """The query of the page's address: name -> its values. Whoever made the link wrote them."""
    return {name: st.query_params.get_all(name) for name in st.query_params}


def said(name: str, default: str = "") -> str:
    """The last value of `name` in the address."""
    return st.query_params.get(name, default)


def number(name: str, default: int = 1, least: int = 1) -> int:
    """The number that the address gives `name`; `default` where it gives none that could be."""
    text = st.query_params.get(name, "")
    found = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default
    return max(least, found)


def go(changes: Mapping[str, str | list[str] | None]) -> None:
    """Change the address, in one step of the browser's history; what is empty goes out of it.

    No box is bound to the address by Streamlit's own `bind`: such names could not be changed here.
    """
    found: dict[str, str | list[str]] = {**unasked.notes(), **address()}
    for name, value in changes.items():
        found.pop(name, None)
        unasked.notes().pop(name, None)
        if value:
            found[name] = value
    st.query_params.from_dict(found)


def one_of(name: str, values: Sequence[str], default: str | None = None) -> str | None:
    """The value of `name` in the address where it is one of `values`, else the default or first."""
    found = st.query_params.get(name)
    if found in values:
        return found
    return default if default in values else next(iter(values), None)


def chosen(
    pick: Callable[..., Any],
    label: str,
    values: Sequence[str],
    name: str,
    *,
    default: str | None = None,
    stays: bool = False,
    optional: bool = False,
    leaves: Sequence[str] = (),
    missing: str | None = "what is usual is shown instead",
    **more: Any,
) -> Any:
    """A box to pick one of `values` (pick: st.selectbox, likewise), kept in the address.

    stays:    the usual value changes as runs are added, so it is put into the address too, and a
              link goes on showing what it showed
    optional: where the address names none, none is picked
    leaves:   names that go out of the address with another value, being chosen for the last
    missing:  what is done where the address names what is not among `values`; None: not said here
    """
    key = f"pick {name}"
    if stays and not said(name):
        default = next(iter(unasked.notes().get(name, ())), default)
    value = None if optional and said(name) not in values else one_of(name, values, default)
    st.session_state[key] = value
    if stays and value is not None and not said(name):
        unasked.note(name, [value])
    if missing is not None:
        say_missing(name, values, missing)

    def keep() -> None:
        go({**dict.fromkeys(leaves), name: st.session_state[key]})

    return pick(label, values, key=key, on_change=keep, **more)


def tabs(labels: Sequence[str], name: str) -> Sequence[Any]:
    """Tabs, of which the address keeps the open one. Fill that one only: its `open` says so."""
    key = f"tab {name}"
    st.session_state[key] = one_of(name, labels)
    return st.tabs(labels, key=key, on_change=lambda: go({name: st.session_state[key]}))


def several(
    pick: Callable[..., Any],
    label: str,
    values: Sequence[str],
    name: str,
    *,
    usual: Sequence[str] = (),
    stays: bool = False,
    **more: Any,
) -> list[str]:
    """Some of `values`, as picked in a box (pick: st.multiselect, st.pills) or in the address.

    They come in the order in which they were picked; to pick none at all is kept as an empty one.
    usual: where the address says nothing of them   stays: as `chosen` has it
    """
    key = f"pick {name}"
    asked = address().get(name, unasked.notes().get(name, usual))
    found = list(dict.fromkeys(value for value in asked if value in values))
    st.session_state[key] = found
    if stays and found and name not in address():
        unasked.note(name, found)
    say_missing(name, values, "that is left out")
    pick(label, values, key=key, on_change=lambda: _keep_several(name, key), **more)
    return found


def _keep_several(name: str, key: str) -> None:
    go({name: st.session_state[key] or [""]})


def say_missing(name: str, known: Sequence[str], so: str) -> None:
    """Say that the address names what cannot be chosen here, and what is done instead."""
    gone = [one for one in st.query_params.get_all(name) if one and one not in known]
    if gone:
        st.warning(f"What the address names cannot be chosen here; {so}:")
        st.text(plain(", ".join(one[:200] for one in gone[:20])))


def folded(label: str, name: str, *, open: bool = False) -> Any:
    """A block that is folded in; the address keeps whether it is open.

    Fill it only where its `open` says so: what is folded in costs the browser as much as what is
    seen.
    """
    key = f"fold {name}"
    st.session_state[key] = said(name, _yes_or_no(open)) == _yes_or_no(True)

    def keep() -> None:
        now = st.session_state[key]
        go({name: None if now == open else _yes_or_no(now)})

    return st.expander(label, key=key, on_change=keep)


def _yes_or_no(value: bool) -> str:
    return "true" if value else "false"


def may_write() -> bool:
    """Whether people may say and start things here; `thinkbench app --read-only` lets them not."""
    return os.environ.get("THINKBENCH_READ_ONLY", "") != "1"


def author() -> str:
    """Who says what is written here: who signed in, or else who started the app."""
    return auth.author(st.context.headers.get("Cookie", "")) or user_name()


def ink() -> str:
    """The colour of words in a chart, on the background that the browser asks for."""
    return "#dcdedf" if st.context.theme.type == "dark" else "#25282c"
