"""Labels of the stored versions of subsets, by the kind of their rows."""

from data.store import BadEntry, Store, ask
from data.subsets import of_json
from workbench.app import state


def kinds() -> dict[str, str | None]:
    """Label of each version -> records or problems; None if it has no recipe. The newest first."""
    return state.query(_kinds, reads=("subsets",))


def of_kind(kind: str | None) -> list[str]:
    """Labels of the versions whose rows are of this kind."""
    return [label for label, of in kinds().items() if of == kind]


def _kinds(store: Store) -> dict[str, str | None]:
    rows = ask(
        store,
        """
        select name || '@' || version as label, filter from subsets
        order by "at" desc, name, version desc
        """,
    )
    return {label: _kind(recipe) for label, recipe in rows.iter_rows()}


def _kind(recipe: str) -> str | None:
    try:
        return of_json(recipe).of
    except BadEntry:
        return None
