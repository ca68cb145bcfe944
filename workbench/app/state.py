"""What every page of the app shares: the store, answers cached until it changes, the user."""

import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from data.store import Store, generation, open_store, snapshot, version
from evals.scores import grader_in
from workbench.app import auth
from workbench.app.browse import Filter, Index, new_index, refresh
from workbench.formatting import visible, with_store
from workbench.lookup import run_names, user_name

FIRST_COMMAND = "run --preset tiny"


def folder() -> Path:
    """The store's folder, from `thinkbench app --store` or THINKBENCH_STORE."""
    return Path(os.environ.get("THINKBENCH_STORE", "store")).absolute()


def show_commands(*commands: str) -> None:
    """Show `commands` as lines to copy: with the store of this app, which is not their default."""
    lines = (f"thinkbench --store {shlex.quote(str(folder()))} {command}" for command in commands)
    st.code(visible("\n".join(lines)), language=None, wrap_lines=True)


def readable_error(message: object) -> str:
    """An error for a page; its commands name this app's store, too."""
    return visible(with_store(str(message), folder()))


def exists() -> bool:
    """Whether there is a store yet."""
    return (folder() / "STORE.json").is_file()


def store() -> Store:
    """The store; if there is none yet, the page says how to make one and ends."""
    if not exists():
        st.info(f"There is no store in `{folder()}` yet. Create one, then reload this page:")
        show_commands(FIRST_COMMAND)
        if may_write():
            st.button("Create an empty store here", on_click=_create)
        st.stop()
    return _opened(folder(), (folder() / "STORE.json").read_text(encoding="utf-8"))


def _create() -> None:
    open_store(folder())


@st.cache_resource(max_entries=4)
def _opened(folder: Path, description: str) -> Store:
    """`folder` as the store that STORE.json describes: another may be created in its place."""
    return open_store(folder)


def query(question: Callable[..., Any], *values: Any, reads: Sequence[str] = ()) -> Any:
    """`question(snapshot of the store, *values)`, run again only after the store has changed.

    reads: the tables and views that it reads, so that changes of other tables do not make its
           answer stale
    """
    current = store()
    at = version(current, *reads) if reads else generation(current)
    return _cached(_name(question), values, current.store_id, at, question, current)


def query_index(
    question: Callable[..., Any], where: Filter, *values: Any, tags: bool = False
) -> Any:
    """`question(index, store, where, *values)` of workbench/app/browse, cached likewise.

    tags: whether the answer contains tags; if neither it nor the filter does, a new tag does not
          make it stale
    """
    current, at = store(), index(where.grader)
    return _cached(
        _name(question),
        (where.key(), *values),
        current.store_id,
        at.version if tags or where.of("tag") else at.rows,
        lambda store, *_: question(at, store, where, *values),
        current,
    )


def name_of(run: str) -> str:
    """The name of a run, or of a stage of one (RUN/STAGE), as people read it on a page."""
    names = query(run_names, reads=("runs", "run_notes"))
    name, slash, stage = run.partition("/")
    return visible(names.get(name, name) + (f" · {stage}" if slash else ""))


def index(grader: str) -> Index:
    """The index of the store's generations, up to date."""
    current = store()
    version_of_grader = grader_in(current, grader).version
    rows = _index(current.store_id, str(current.folder), grader, version_of_grader)
    refresh(rows, current)
    return rows


@st.cache_resource(show_spinner="Reading generations", max_entries=4)
def _index(store_id: str, folder: str, grader: str, version_of_grader: str) -> Index:
    return new_index(grader)


def _name(question: Callable[..., Any]) -> str:
    return f"{question.__module__}.{question.__qualname__}"


@st.cache_data(max_entries=512, show_spinner=False)
def _cached(
    name: str,
    values: tuple[Any, ...],
    store_id: str,
    at: Any,
    _question: Callable[..., Any],
    _store: Store,
) -> Any:
    # Streamlit leaves arguments that begin with an underscore out of the key of its cache
    with snapshot(_store) as moment:  # however many statements a question needs
        return _question(moment, *values)


def may_write() -> bool:
    """Whether this app may write and start jobs; `thinkbench app --read-only` forbids it."""
    return os.environ.get("THINKBENCH_READ_ONLY", "") != "1"


def author() -> str:
    """The name stored with what is written here: who signed in, else who started the app."""
    return auth.author(st.context.headers.get("Cookie", "")) or user_name()
