"""The subsets there are, by what they hold."""

from data.store import BadEntry, Store, ask
from data.subsets import of_json
from workbench.app import state


def kinds() -> dict[str, str | None]:
    """Label of each version -> records or problems, None where it has no recipe; newest first."""
    return state.answer(_kinds, reads=("subsets",))


def of_kind(kind: str | None) -> list[str]:
    """Labels of the versions that hold rows of this kind."""
    return [label for label, of in kinds().items() if of == kind]


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
