"""What every page of the app shares: the store, and answers that are kept until it changes."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from data.store import Store, generation, open_store

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
    return _opened(folder())


@st.cache_resource
def _opened(folder: Path) -> Store:
    return open_store(folder)


def answer(question: Callable[..., Any], *values: Any) -> Any:
    """`question(store, *values)`, asked again only after the store has changed."""
    here = store()
    return _answer(
        f"{question.__module__}.{question.__qualname__}",
        values,
        here.id,
        generation(here),
        question,
        here,
    )


@st.cache_data(max_entries=256, show_spinner=False)
def _answer(
    name: str,
    values: tuple[Any, ...],
    store_id: str,
    at: int,
    _question: Callable[..., Any],
    _store: Store,
) -> Any:
    # arguments with an underscore are no part of the key: name, values, store and generation are
    return _question(_store, *values)
