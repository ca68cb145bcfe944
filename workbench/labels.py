"""Names in an address: the subsets there are, and a word where it names what is not there."""

from collections.abc import Sequence

import streamlit as st

from data.recipes import of_json
from data.state import BadEntry
from data.store import Store, ask
from workbench import session
from workbench.texts import plain


def kinds() -> dict[str, str | None]:
    """Label of each version -> records or problems, None where it has no recipe; newest first."""
    return session.answer(_kinds, reads=("subsets",))


def of_kind(kind: str | None) -> list[str]:
    """Labels of the versions that hold rows of this kind."""
    return [label for label, of in kinds().items() if of == kind]


def say_missing(name: str, known: Sequence[str], so: str) -> None:
    """Say that the address names what cannot be chosen here, and what is done instead."""
    gone = [one for one in st.query_params.get_all(name) if one and one not in known]
    if gone:
        st.warning(f"What the address names cannot be chosen here; {so}:")
        st.text(plain(", ".join(one[:200] for one in gone[:20])))


def _kinds(store: Store) -> dict[str, str | None]:
    rows = ask(
        store,
        """
        select name || '@' || version as label, filter from subsets
        order by "at" desc, name, version desc
        """,
    )
    return {label: _kind(filter) for label, filter in rows.iter_rows()}


def _kind(filter: str) -> str | None:
    try:
        return of_json(filter).of
    except BadEntry:
        return None
